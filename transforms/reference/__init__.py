"""Versions of slowly changing rows: instruments, margin tiers and parameters."""
