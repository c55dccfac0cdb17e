"""How tables are made, in polars; pure: no clock, no disk, no network."""
