"""Parsing of exchanges' answers: JSON, columns, rows, windows and errors."""
