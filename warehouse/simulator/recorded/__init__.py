"""Recorded series in place of the simulated market."""
