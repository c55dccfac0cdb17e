"""What the rows of an hour of the map share."""

from __future__ import annotations

from datetime import datetime
from math import fsum

import polars as pl

Row = dict[str, object]

_CONTRACT = ("hour_utc", "exchange", "instrument")
_SHARED = ("mark_price", "is_stale", "parameters_version", "source")


def abouts(levels: pl.DataFrame) -> dict[datetime, Row]:
    """Mark (the mean of the venues' marks), whether it is stale, version and source, by hour.

    A venue's mark is that of its first contract, the version and source are those of the first venue.
    """
    contracts = levels.select(*_CONTRACT, *_SHARED).unique().sort(*_CONTRACT)
    firsts = [pl.col(c).first() for c in ("mark_price", "parameters_version", "source")]
    venues = contracts.group_by("hour_utc", "exchange", maintain_order=True).agg(*firsts, pl.col("is_stale").any())
    hourly = venues.group_by("hour_utc", maintain_order=True).agg(
        pl.col("mark_price"), *firsts[1:], pl.col("is_stale").any()
    )
    # exact before it is divided: how polars adds up depends on how many threads it has
    means = [fsum(marks) / len(marks) for marks in hourly["mark_price"].to_list()]
    rows = hourly.with_columns(pl.Series("mark_price", means, dtype=pl.Float64)).to_dicts()
    return {row.pop("hour_utc"): row for row in rows}
