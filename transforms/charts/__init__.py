"""Charts and summary sentences: rows in, figures or text out."""
