"""Scores of the map, hit rates of its levels, and markets whose positions are known."""
