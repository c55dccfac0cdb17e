"""core.positioning: long/short ratios and funding."""

from __future__ import annotations

import polars as pl

from expectations.tables import table
from transforms.exchanges.archive_timestamps import timed
from transforms.reference.latest import listed

TABLE = table("positioning")
_READINGS = ("long_account_share", "top_long_account_share", "top_long_position_share", "funding_rate")


def build(payloads: pl.DataFrame, instruments: pl.DataFrame, price_bars: pl.DataFrame) -> pl.DataFrame:
    """Return one row per instrument and time, merging the readings of several responses; the latest reading wins."""
    readings = timed(payloads, "positioning", price_bars, instruments).filter(
        pl.any_horizontal(pl.col(c).is_not_null() for c in _READINGS)
    )
    merged = readings.group_by("exchange", "instrument", "time_ms", maintain_order=True).agg(
        *(pl.col(c).drop_nulls().last() for c in _READINGS), pl.col("source").last()
    )
    dated = merged.join(listed(instruments), on=["exchange", "instrument"]).with_columns(
        pl.from_epoch("time_ms", "ms").cast(TABLE.schema["time_utc"]).alias("time_utc")
    )
    return TABLE.conform(dated.with_columns(pl.col("time_utc").dt.date().alias("date")).select(list(TABLE.schema)))
