"""core.open_interest: open interest as reported, and single-sided in coins and dollars."""

from __future__ import annotations

import polars as pl

from expectations.tables import table
from transforms.exchanges.archive_timestamps import timed
from transforms.reference.latest import listed

TABLE = table("open_interest")
_STALEST_MARK = "65m"  # an hourly bar, plus five minutes by which a reading may trail it


def build(payloads: pl.DataFrame, instruments: pl.DataFrame, price_bars: pl.DataFrame) -> pl.DataFrame:
    """Return readings normalised to single-sided coins and dollars.

    Readings that count both sides are halved, contracts are multiplied by their size, and dollars are converted at the
    mark: the one in the response, else the close of the last bar that had ended.
    """
    unique = ["exchange", "instrument", "time_ms"]
    every = timed(payloads, "open_interest", price_bars, instruments)
    readings = every.unique(unique, keep="last", maintain_order=True)
    dated = readings.join(listed(instruments), on=["exchange", "instrument"]).with_columns(
        pl.from_epoch("time_ms", "ms").cast(TABLE.schema["time_utc"]).alias("time_utc")
    )
    unit, mark = pl.col("unit_multiplier"), pl.col("mark_price")
    sides = pl.col("sides_counted").fill_null(1)
    marked = _with_mark(dated, price_bars).with_columns(pl.col("single_sided").fill_null(pl.col("reported") / sides))
    coins = (
        pl.when(pl.col("reported_unit") == "base")
        .then(pl.col("single_sided") * unit)
        .when(pl.col("reported_unit") == "usd")
        .then(pl.col("single_sided") / mark)
        .when(pl.col("kind") == "inverse")
        .then(pl.col("single_sided") * pl.col("contract_usd") / mark)
        .otherwise((pl.col("reported_base") / sides).fill_null(pl.col("single_sided") * pl.col("contract_base")) * unit)
    )
    normalised = marked.with_columns(coins.alias("open_interest_base")).with_columns(
        (pl.col("reported_usd") / sides).fill_null(pl.col("open_interest_base") * mark).alias("open_interest_usd"),
        pl.col("time_utc").dt.date().alias("date"),
    )
    return TABLE.conform(normalised.select(list(TABLE.schema)))


def _with_mark(readings: pl.DataFrame, price_bars: pl.DataFrame) -> pl.DataFrame:
    ended = price_bars.select(
        "exchange",
        "instrument",
        (pl.col("open_utc") + pl.duration(minutes=pl.col("interval_minutes"))).alias("time_utc"),
        pl.col("close").alias("bar_mark"),
    ).sort("exchange", "instrument", "time_utc")
    joined = readings.sort("exchange", "instrument", "time_utc").join_asof(
        ended,
        on="time_utc",
        by=["exchange", "instrument"],
        strategy="backward",
        tolerance=_STALEST_MARK,
        check_sortedness=False,
    )
    own = pl.col("mark_price") / pl.col("unit_multiplier")
    return joined.with_columns(own.fill_null(pl.col("bar_mark")).alias("mark_price"))
