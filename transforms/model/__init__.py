"""The estimator, on quantities alone: it knows no table names."""
