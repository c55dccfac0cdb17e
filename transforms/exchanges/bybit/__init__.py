"""Bybit linear contracts."""
