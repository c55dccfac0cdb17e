"""Commands that evaluate the model: calibrate, score, estimate, hit-rate, sensitivity."""
