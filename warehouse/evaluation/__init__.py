"""Commands that score the map: against liquidations, known positions and price."""
