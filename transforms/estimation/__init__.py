"""Conversions between tables and model: inputs, state, calibration, backtest and replay."""
