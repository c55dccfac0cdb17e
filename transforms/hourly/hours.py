"""The hour of a time. Hours are named by their end, which belongs to them; their start belongs to the hour before."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


def hour_of(time: pl.Expr) -> pl.Expr:
    """Return the hour of a time, as the column hour_utc."""
    return time.dt.offset_by("-1ms").dt.truncate("1h").dt.offset_by("1h").alias("hour_utc")


def hour_of_bar() -> pl.Expr:
    """Return the hour in which a bar ends, from its columns open_utc and interval_minutes."""
    # Imported here, since the CLI and the DAG files need only the constants.
    import polars as pl

    return hour_of(pl.col("open_utc") + pl.duration(minutes=pl.col("interval_minutes")))
