"""Batch scoring: documents of a folder in, one row a statement out."""
