"""Commands that load data: run, backfill, rebuild, listen, import."""
