"""What can be told from text alone: its normal form, its scripts and its language."""
