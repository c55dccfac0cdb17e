"""The compiled inner loops of the estimator."""
