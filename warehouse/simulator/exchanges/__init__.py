"""The wire formats of the simulated exchanges."""
