"""A dataset's schema: one file from which come the Arrow types, the checks and the documents."""
