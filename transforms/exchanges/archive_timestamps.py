"""Which moment a row of an archived file speaks of.

Files label five minutes by their end or by their start, and have changed it more than once without a sign. But open
interest is given in units and in dollars, so each row holds the mark price of its moment: the file's times are those at
which that price agrees with the mark bars. This needs bars, which no single answer holds; so `parse` gives the
documented time, and the tables that are built of it ask here.
"""

from __future__ import annotations

import polars as pl

from transforms.exchanges.protocol import EDITION
from transforms.exchanges.replay import STORED, of_its_days, rows
from transforms.reference.latest import listed

_OFF_BY = (0, -300_000, 300_000)  # ms by which a documented time can be wrong
_DAY_MS = 86_400_000
_FEWEST = 12  # an hour of rows; fewer are an accident
_CLEARLY = 0.5  # the best must be this much nearer than the next
_FILE = ["exchange", "request", "received_at_utc"]
_CONTRACT = ["exchange", "instrument"]


def timed(payloads: pl.DataFrame, series: str, price_bars: pl.DataFrame, instruments: pl.DataFrame) -> pl.DataFrame:
    """The rows of `series`, those of archived files at the moment that mark bars confirm.

    Where bars are lacking, or the market stood still, the documented time is left and `origin` stays `archive`.
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
    """By how many ms the times of each file (exchange, request, received_at_utc) are wrong, where that is clear.

    Only marks of the file's own day are asked: those are there whichever days are built with it.
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
    """The prices of files whose times are wrong by so much, as far as they are of the file's own day."""
    own_day = pl.col("time_ms").is_between(pl.col("from_ms"), pl.col("from_ms") + _DAY_MS, closed="right")
    moved = implied.with_columns(pl.col("time_ms") + off_by, pl.lit(off_by, pl.Int64).alias("off_by_ms"))
    return moved.filter(own_day)


def _misses(moved: pl.DataFrame, marks: pl.DataFrame) -> pl.DataFrame:
    """How far a file's prices are from the marks, in the middle, for each way in which its times may be wrong."""
    apart = (pl.col("implied") / pl.col("mark")).log().abs()
    return (
        moved.join(marks, on=[*_CONTRACT, "time_ms"], maintain_order="left")
        .filter(apart.is_finite())
        .group_by(*_FILE, "off_by_ms", maintain_order=True)
        .agg(apart.median().alias("miss"), pl.len().alias("compared"))
    )


def _marks(price_bars: pl.DataFrame) -> pl.DataFrame:
    """The mark at the end of each bar."""
    end = pl.col("open_utc") + pl.duration(minutes=pl.col("interval_minutes"))
    return (
        price_bars.filter(pl.col("price_kind") == "mark")
        .select(*_CONTRACT, end.dt.epoch("ms").alias("time_ms"), pl.col("close").alias("mark"))
        .unique([*_CONTRACT, "time_ms"], keep="last", maintain_order=True)
    )
