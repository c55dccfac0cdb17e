"""The estimator: quantities in, quantities out, no table names."""
