"""Hours for which realised liquidations are known."""
