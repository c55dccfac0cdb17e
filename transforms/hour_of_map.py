"""What all that is made of a map's hour shares."""

from __future__ import annotations

from datetime import datetime
from math import fsum

import numpy as np
import polars as pl

Row = dict[str, object]

_BUCKET = ("hour_utc", "exchange", "instrument", "side", "price_bucket")
_ABOUT = ("coin", "price_low", "price_high", "mark_price", "is_stale", "parameters_version", "source")


def by_bucket(levels: pl.DataFrame) -> pl.DataFrame:
    """Rows of the map, in its order, leverage classes added up: whole dollars, so exactly. A fifth as many are left."""
    new = levels.select(pl.any_horizontal(pl.col(c) != pl.col(c).shift(1) for c in _BUCKET).fill_null(True)).to_series()
    usd = np.add.reduceat(levels["notional_usd"].to_numpy(), new.arg_true().to_numpy())
    return levels.select(*_BUCKET, *_ABOUT).filter(new).with_columns(pl.Series("notional_usd", usd))


def abouts(levels: pl.DataFrame) -> dict[datetime, Row]:
    """Mark (the mean of the venues' marks), whether it is stale, version and source, by hour."""
    firsts = [pl.col(c).first() for c in ("mark_price", "parameters_version", "source")]
    venues = levels.group_by("hour_utc", "exchange", maintain_order=True).agg(*firsts, pl.col("is_stale").any())
    hourly = venues.group_by("hour_utc", maintain_order=True).agg(
        pl.col("mark_price"), *firsts[1:], pl.col("is_stale").any()
    )
    # exact before it is divided: how polars adds up depends on how many threads it has
    means = [fsum(marks) / len(marks) for marks in hourly["mark_price"].to_list()]
    rows = hourly.with_columns(pl.Series("mark_price", means, dtype=pl.Float64)).to_dicts()
    return {row.pop("hour_utc"): row for row in rows}
