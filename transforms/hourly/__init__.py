"""Assigns bars, events and rows of the map to hours."""
