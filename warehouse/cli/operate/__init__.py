"""Commands that operate: the doctor, the simulated exchanges and the quickstart."""
