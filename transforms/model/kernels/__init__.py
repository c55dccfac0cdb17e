"""The compiled parts of the estimator."""
