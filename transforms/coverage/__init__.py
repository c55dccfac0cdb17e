"""Hours of which the realised liquidations are known."""
