"""Data contracts: columns, tables and their checks, each declared once."""
