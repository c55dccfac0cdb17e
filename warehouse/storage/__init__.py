"""Parquet files, staging, atomic writes and locks."""
