"""One implementation a table: `build(<input tables>)`."""
