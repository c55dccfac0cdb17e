"""The fit of the weights to realised liquidations."""
