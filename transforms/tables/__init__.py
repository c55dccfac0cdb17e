"""One module per table, each with `build(<input tables>)`."""
