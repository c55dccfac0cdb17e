"""Liquidations from WebSocket streams."""
