"""Reads the answers of exchanges: JSON, columns, rows, windows and errors."""
