"""Zip archives read in place, and the folders they lie in."""
