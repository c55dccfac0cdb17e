"""ops.fetches: requests to exchanges and their outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from expectations.tables import table
from transforms.hourly.hours import DAY_MS

TABLE = table("fetches")
_TIMES = ("window_start_utc", "window_end_utc", "sent_at_utc")


def build(outcomes: Iterable[Mapping[str, object]]) -> pl.DataFrame:
    """Return one row per outcome.

    An outcome's keys are the table's columns except `date`; its times are unix ms. `date` is the day on which the
    requested window starts, or the day of sending where a request has no window.
    """
    schema = {c: pl.Int64() if c in _TIMES else t for c, t in TABLE.schema.items() if c != "date"}
    frame = pl.DataFrame(list(outcomes), schema=schema, orient="row")
    day = (pl.coalesce("window_start_utc", "sent_at_utc") // DAY_MS * 86_400).alias("date")
    return TABLE.conform(
        frame.with_columns(
            pl.from_epoch(day, "s").dt.date(), *(pl.from_epoch(c, "ms").cast(TABLE.schema[c]) for c in _TIMES)
        )
    )
