"""The HTTP server of the simulated exchanges, its limits and its faults."""
