"""Liquidations from the exchanges' WebSocket streams."""
