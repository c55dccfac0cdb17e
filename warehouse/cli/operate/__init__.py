"""Commands that operate the warehouse: doctor, the simulated exchanges, and the quickstart's steps."""
