"""Ingestion: requests to exchanges, files and streams; every answer is stored as received."""
