"""Types and lists of values shared by columns of several modules."""

from __future__ import annotations

import polars as pl

EXCHANGES = ("binance", "bybit", "okx")
SIDES = ("long", "short")

UTC = pl.Datetime("ms")  # naive by type, UTC by name: reads the same in every session and tool
FLOAT = pl.Float64()
TEXT = pl.String()
WHOLE = pl.Int64()
FLAG = pl.Boolean()
