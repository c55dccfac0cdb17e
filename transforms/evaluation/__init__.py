"""Scores of the map, hit rates of its levels, and markets with known positions."""
