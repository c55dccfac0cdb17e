"""Validation: rules derived from contracts, counts of failing rows, and Great Expectations as the gate."""
