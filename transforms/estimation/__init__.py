"""Between the tables and the model: inputs, state, calibration, backtest and replay."""
