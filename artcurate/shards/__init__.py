"""Rows to Parquet shards: the plan decides every byte, the writer carries it out."""
