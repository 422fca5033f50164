"""Makers of synthetic raw corpora, in the very files that users of the real ones hold."""
