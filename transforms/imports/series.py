"""A file's rows as rows of a series, sorted by contract and time, without duplicates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from transforms.exchanges.protocol import SERIES
from transforms.hourly.hours import MINUTE_MS
from transforms.imports.bar_length import bar_minutes
from transforms.imports.cells import ROW, numbers, refuse, times, words
from transforms.imports.layout import Layout, Refused

_UNITS = {
    "open_interest": ("base", "contracts", "usd"),
    "trade_bars": ("base", "contracts"),
    "realised_liquidations": ("base", "contracts", "usd"),
    "liquidation_sums": ("base", "contracts", "usd"),
}
_STALEST_MARK_MS = 65 * MINUTE_MS


INSTRUMENT = "__instrument"
"""Name of the column with each row's instrument, added to the file's own columns."""


@dataclass(frozen=True)
class ImportContext:
    """Facts that the file itself does not contain.

    now_ms: latest allowed time, unix ms. sizes: coins in one contract by instrument, None for contracts in dollars.
    marks: instrument, time_ms and price per unit of the instrument's name; they price sums without a price column.
    """

    now_ms: int
    sizes: Mapping[str, float | None]
    marks: pl.DataFrame


def read(frame: pl.DataFrame, layout: Layout, known: ImportContext) -> pl.DataFrame:
    """Return the rows of `layout.series`, sorted by instrument and time; equal rows are merged, except events.

    frame: ROW, INSTRUMENT and the file's columns. Raises Refused for the first invalid value, row or contradiction.
    """
    at = layout.found([c for c in frame.columns if c not in (ROW, INSTRUMENT)])
    rows = _READERS[layout.form](frame, layout, at, known)
    moment = "open_ms" if "open_ms" in rows.columns else "time_ms"
    if layout.series != "realised_liquidations":
        rows = _deduplicate(rows, moment, at["time"])
    ordered, schema = rows.sort("instrument", moment, ROW), SERIES[layout.series]
    absent = [pl.lit(None).alias(c) for c in schema if c not in ordered.columns]
    return ordered.with_columns(absent).select(pl.col(c).cast(t) for c, t in schema.items())


def _open_interest(frame: pl.DataFrame, layout: Layout, at: Mapping[str, str], known: ImportContext) -> pl.DataFrame:
    if layout.sides not in (1, 2):
        raise Refused("open interest counts one side or both; choose with --sides 1 or --sides 2")
    optional = {"open_interest_usd": "reported_usd", "mark_price": "mark_price"}
    return frame.select(
        ROW,
        pl.col(INSTRUMENT).alias("instrument"),
        times(frame, at["time"], known.now_ms).alias("time_ms"),
        numbers(frame, at["open_interest"]).alias("reported"),
        pl.lit(_unit(layout)).alias("reported_unit"),
        pl.lit(layout.sides).alias("sides_counted"),
        pl.lit("history").alias("origin"),
        *(numbers(frame, at[c], positive=c == "mark_price").alias(ours) for c, ours in optional.items() if c in at),
    )


def _bars(frame: pl.DataFrame, layout: Layout, at: Mapping[str, str], known: ImportContext) -> pl.DataFrame:
    prices = {c: numbers(frame, at[c], positive=True) for c in ("open", "high", "low", "close")}
    refuse(frame, prices["high"] < pl.DataFrame(prices).max_horizontal(), at["high"], "is not the highest of its bar")
    refuse(frame, prices["low"] > pl.DataFrame(prices).min_horizontal(), at["low"], "is not the lowest of its bar")
    opened = frame.select(ROW, INSTRUMENT, times(frame, at["time"], known.now_ms).alias("open_ms"))
    minutes = bar_minutes(opened, at["time"], longest=60)
    ended = opened["open_ms"] + minutes * MINUTE_MS
    refuse(frame, ended > known.now_ms, at["time"], "opens a bar that ends in the future")
    volumes = {c: ours for c, ours in {"volume": "volume_base", "taker_buy": "taker_buy_base"}.items() if c in at}
    each = _coins(frame, layout, known.sizes) if volumes else pl.lit(1.0)
    rows = opened.rename({INSTRUMENT: "instrument"}).with_columns(
        pl.lit(minutes).alias("interval_minutes"),
        *(value.alias(c) for c, value in prices.items()),
        *(numbers(frame, at[c]).alias(ours) for c, ours in volumes.items()),
    )
    rows = rows.with_columns(pl.col(ours) * each for ours in volumes.values())
    if len(volumes) == 2:
        more = rows["taker_buy_base"] > rows["volume_base"] * (1 + 1e-6)
        refuse(frame, more, at["taker_buy"], "is more than the bar's volume")
    return rows


def _events(frame: pl.DataFrame, layout: Layout, at: Mapping[str, str], known: ImportContext) -> pl.DataFrame:
    ours = {theirs.lower(): side for side, theirs in layout.side_words.items()}
    side = words(frame, at["side"]).str.to_lowercase()
    choices = " nor ".join(repr(word) for word in ours)
    why = f"is neither {choices}; give the file's words with --side-words long=…,short=…"
    refuse(frame, ~side.is_in(list(ours)), at["side"], why)
    rows = frame.select(
        ROW,
        pl.col(INSTRUMENT).alias("instrument"),
        times(frame, at["time"], known.now_ms).alias("time_ms"),
        side.replace_strict(ours, return_dtype=pl.String).alias("side"),
        numbers(frame, at["price"], positive=True).alias("price"),
        numbers(frame, at["size"], positive=True).alias("size"),
    )
    return _with_size(rows, layout)


def _sums(frame: pl.DataFrame, layout: Layout, at: Mapping[str, str], known: ImportContext) -> pl.DataFrame:
    """Return an event per side of each bar with liquidations, at the bar's last millisecond."""
    opened = frame.select(ROW, INSTRUMENT, times(frame, at["time"], known.now_ms).alias("open_ms"))
    minutes = bar_minutes(opened, at["time"], longest=24 * 60)
    if layout.complete and minutes > 60:
        raise Refused(f"bars of {minutes} minutes span several hours, so liquidations have no hour; drop --complete")
    refuse(
        frame,
        opened["open_ms"] + minutes * MINUTE_MS > known.now_ms,
        at["time"],
        "opens a bar that ends in the future",
    )
    both = opened.select(
        ROW,
        pl.col(INSTRUMENT).alias("instrument"),
        (pl.col("open_ms") + minutes * MINUTE_MS - 1).alias("time_ms"),
        *(numbers(frame, at[side]).alias(side) for side in ("long", "short")),
    )
    priced = both.with_columns(numbers(frame, at["price"], positive=True).alias("price")) if "price" in at else None
    both = _deduplicate(_add_mark(both, known.marks, at["time"]) if priced is None else priced, "time_ms", at["time"])
    long = both.unpivot(("long", "short"), index=(ROW, "instrument", "time_ms", "price"), variable_name="side")
    return _with_size(long.rename({"value": "size"}).filter(pl.col("size") > 0), layout)


def _add_mark(sums: pl.DataFrame, marks: pl.DataFrame, column: str) -> pl.DataFrame:
    """Add the last mark before each bar's end, the price at which dollars become coins."""
    found = sums.sort("time_ms").join_asof(
        marks.sort("time_ms"), on="time_ms", by="instrument", tolerance=_STALEST_MARK_MS, check_sortedness=False
    )
    shown = found.with_columns(pl.from_epoch("time_ms", "ms").dt.strftime("%Y-%m-%dT%H:%M:%SZ").alias(column))
    why = "has no price in core.price_bars; import price bars of these hours first, or add --columns price=…"
    refuse(shown.sort(ROW), shown.sort(ROW)["price"].is_null(), column, why)
    return found


_READERS = {
    "open_interest": _open_interest,
    "mark_bars": _bars,
    "trade_bars": _bars,
    "realised_liquidations": _events,
    "liquidation_sums": _sums,
}


def _unit(layout: Layout) -> str:
    allowed = _UNITS[layout.form]
    if layout.unit not in allowed:
        raise Refused(f"the unit of amounts is not given; add --unit {' or --unit '.join(allowed)}")
    return layout.unit


def _coins(frame: pl.DataFrame, layout: Layout, sizes: Mapping[str, float | None]) -> pl.Series:
    """Return the coins in one unit of each row's volume."""
    of_one = sizes if _unit(layout) == "contracts" else dict.fromkeys(sizes, 1.0)
    coins = frame[INSTRUMENT].replace_strict(of_one, return_dtype=pl.Float64)
    if coins.null_count():
        raise Refused(
            "volume in dollar contracts cannot be converted to coins; import volume in coins with --unit base"
        )
    return coins


def _with_size(events: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Name the size column by its unit, and convert dollars to coins at the event's price."""
    column = {"base": "size_base", "contracts": "size_contracts", "usd": "size_usd"}[_unit(layout)]
    sized = events.rename({"size": column})
    return (
        sized.with_columns((pl.col("size_usd") / pl.col("price")).alias("size_base")) if column == "size_usd" else sized
    )


def _deduplicate(rows: pl.DataFrame, moment: str, column: str) -> pl.DataFrame:
    """Keep each instrument and time once. Raises Refused where two rows of the same time differ."""
    columns = [c for c in rows.columns if c != ROW]
    distinct = rows.sort(ROW).unique(columns, keep="first", maintain_order=True)
    twice = distinct.filter(pl.struct("instrument", moment).is_duplicated())
    if twice.height:
        first = twice.filter(
            pl.struct("instrument", moment) == twice.select(pl.struct("instrument", moment).first()).item()
        )
        shown = ", ".join(str(number) for number in first[ROW].to_list()[:2])
        raise Refused(
            f"column {column!r}: rows {shown} have the same time and instrument, {first['instrument'][0]}, but differ"
        )
    return distinct
