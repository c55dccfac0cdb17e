"""Commands that evaluate: calibrate, score, hit rate and sensitivity."""
