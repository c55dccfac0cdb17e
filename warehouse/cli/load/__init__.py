"""Commands that load data: run, backfill, import, listen."""
