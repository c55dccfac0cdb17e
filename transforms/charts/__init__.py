"""Charts and sentences: tables in, figure or words out."""
