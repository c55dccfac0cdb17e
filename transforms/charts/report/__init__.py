"""The report of a coin: its sections, key figures and scores."""
