"""The simulated market: prices, positions, liquidations and the truth about them."""
