"""Assignment of bars, events and map rows to hours."""
