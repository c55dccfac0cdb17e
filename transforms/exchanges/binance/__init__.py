"""Binance USD-M futures and its public archive."""
