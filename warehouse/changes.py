"""Where the estimator's input changes: against what was published, and from one source to another."""

from __future__ import annotations

from datetime import datetime, time

import polars as pl

from expectations.contract import Table
from expectations.tables import table
from warehouse.clock import HOUR, days

BARS = table("price_bars")
_OF = ("exchange", "instrument", "source")


def first_difference(contract: Table, new: pl.DataFrame, old: pl.DataFrame) -> datetime | None:
    """The first hour that rows which are not in both speak for.

    A bar for the hour it opens in, a reading for the one it ends.
    """
    if old.equals(new):
        return None
    columns = contract.schema.names()
    differing = [a.join(b, on=columns, how="anti", nulls_equal=True) for a, b in ((new, old), (old, new))]
    moment = pl.col(contract.time_column or "")
    inside = moment if contract is BARS else moment.dt.offset_by("-1ms")
    return min(pl.concat(differing).select(_hour_after(inside)).to_series().to_list(), default=None)


def until_sources_change(bars: pl.DataFrame, first: datetime, last: datetime) -> datetime:
    """The last hour, up to `last`, of the days whose bars are of the same sources as the first day's.

    A map made in one go names one source.
    """
    ended = pl.col("open_utc") + pl.duration(minutes=pl.col("interval_minutes"), milliseconds=-1)
    ended_on = _hour_after(ended).dt.date().alias("ended_on")
    by_day = bars.select(*_OF, ended_on).unique().sort("ended_on", *_OF).partition_by("ended_on", as_dict=True)
    sources = {day: rows.select(_OF) for (day,), rows in by_day.items()}
    begun = sources.get(first.date(), bars.select(_OF).clear())
    for day in days(first.date(), last.date()):
        if not sources.get(day, begun.clear()).equals(begun):
            return datetime.combine(day, time()) - HOUR
    return last


def _hour_after(moment: pl.Expr) -> pl.Expr:
    return moment.dt.truncate("1h").dt.offset_by("1h")
