"""Checks: rules from the contracts, the rows that break them, and Great Expectations, which decides."""
