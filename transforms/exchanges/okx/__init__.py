"""OKX USDT swaps."""
