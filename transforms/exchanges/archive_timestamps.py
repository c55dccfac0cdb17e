"""The instant that a row of an archived file describes.

Files label five minutes by their end or by their start, and the convention has changed more than once without notice.
Open interest is given in units and in dollars, so each row implies the mark price of its instant: the file's times are
those at which that price agrees with the mark bars. This needs bars, which no single answer holds, so `parse` returns
the documented time, and the builders of tables correct it with this module.
"""

from __future__ import annotations

import polars as pl

from transforms.exchanges.protocol import EDITION
from transforms.exchanges.replay import STORED, of_its_days, rows
from transforms.hourly.hours import DAY_MS
from transforms.reference.latest import listed

_OFF_BY = (0, -300_000, 300_000)  # ms by which a documented time can be wrong
_FEWEST = 12  # an hour of rows; fewer may agree by chance
_CLEARLY = 0.5  # the best offset's miss must be below this fraction of the next best's
_FILE = ["exchange", "request", "received_at_utc"]
_CONTRACT = ["exchange", "instrument"]


def timed(payloads: pl.DataFrame, series: str, price_bars: pl.DataFrame, instruments: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `series`, those of archived files at the instant that mark bars confirm.

    Where bars are missing or the mark did not move, the documented time stays and `origin` remains `archive`.
    """
    also = ("request", *STORED)
    readings = rows(payloads, series, also=also)
    files = pl.col("request").str.contains(EDITION, literal=True)
    interest = readings if series == "open_interest" else rows(payloads.filter(files), "open_interest", also=also)
    confirmed = _confirmed(interest.filter(pl.col("origin") == "archive"), price_bars, instruments)
    moved = readings.join(confirmed, on=_FILE, how="left", maintain_order="left").with_columns(
        pl.col("time_ms") + pl.col("off_by_ms").fill_null(0)
    )
    if "origin" in moved.columns:
        known = pl.col("off_by_ms").is_not_null()
        moved = moved.with_columns(pl.when(known).then(pl.lit("history")).otherwise("origin").alias("origin"))
    return of_its_days(moved.drop("off_by_ms", "request"))


def _confirmed(archived: pl.DataFrame, price_bars: pl.DataFrame, instruments: pl.DataFrame) -> pl.DataFrame:
    """Return the error in ms of each file's times (exchange, request, received_at_utc), where it is clear.

    Only marks of the file's own day are compared: they are present whichever days are built with it.
    """
    if archived.is_empty():
        return archived.select(*_FILE, pl.col("time_ms").alias("off_by_ms"))
    unit = listed(instruments).select(*_CONTRACT, "unit_multiplier")
    implied = archived.join(unit, on=_CONTRACT).select(
        *_FILE,
        pl.col("window_start_utc").dt.epoch("ms").alias("from_ms"),
        "instrument",
        "time_ms",
        (pl.col("reported_usd") / pl.col("reported") / pl.col("unit_multiplier")).alias("implied"),
    )
    misses = _misses(pl.concat([_off_by(implied, each) for each in _OFF_BY]), _marks(price_bars))
    ranked = misses.filter(pl.col("compared") >= _FEWEST).sort(*_FILE, "miss", maintain_order=True)
    best, next_best = pl.col("miss").first(), pl.col("miss").get(1, null_on_oob=True)
    return (
        ranked.group_by(_FILE, maintain_order=True)
        .agg(pl.col("off_by_ms").first(), (best < _CLEARLY * next_best).alias("clear"))
        .filter("clear")
        .drop("clear")
    )


def _off_by(implied: pl.DataFrame, off_by: int) -> pl.DataFrame:
    """Return the implied prices with their times shifted by `off_by` ms, limited to the file's own day."""
    own_day = pl.col("time_ms").is_between(pl.col("from_ms"), pl.col("from_ms") + DAY_MS, closed="right")
    moved = implied.with_columns(pl.col("time_ms") + off_by, pl.lit(off_by, pl.Int64).alias("off_by_ms"))
    return moved.filter(own_day)


def _misses(moved: pl.DataFrame, marks: pl.DataFrame) -> pl.DataFrame:
    """Return the median distance of each file's prices from the marks, in log price, for each assumed offset."""
    apart = (pl.col("implied") / pl.col("mark")).log().abs()
    return (
        moved.join(marks, on=[*_CONTRACT, "time_ms"], maintain_order="left")
        .filter(apart.is_finite())
        .group_by(*_FILE, "off_by_ms", maintain_order=True)
        .agg(apart.median().alias("miss"), pl.len().alias("compared"))
    )


def _marks(price_bars: pl.DataFrame) -> pl.DataFrame:
    """Return the mark at the end of each bar."""
    end = pl.col("open_utc") + pl.duration(minutes=pl.col("interval_minutes"))
    return (
        price_bars.filter(pl.col("price_kind") == "mark")
        .select(*_CONTRACT, end.dt.epoch("ms").alias("time_ms"), pl.col("close").alias("mark"))
        .unique([*_CONTRACT, "time_ms"], keep="last", maintain_order=True)
    )
