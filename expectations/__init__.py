"""What must be true: columns, tables and their checks, each declared once."""
