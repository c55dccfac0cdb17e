"""A file's rows as rows of our series, each contract's in order, each moment once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from transforms.exchanges.protocol import SERIES
from transforms.imports.bar_length import bar_minutes
from transforms.imports.cells import ROW, numbers, refuse, times, words
from transforms.imports.layout import Layout, Refused

_UNITS = {
    "open_interest": ("base", "contracts", "usd"),
    "trade_bars": ("base", "contracts"),
    "realised_liquidations": ("base", "contracts", "usd"),
    "liquidation_sums": ("base", "contracts", "usd"),
}
_MINUTE_MS = 60_000
_STALEST_MARK_MS = 65 * _MINUTE_MS


INSTRUMENT = "__instrument"
"""The column that says whose row it is, among the file's own."""


@dataclass(frozen=True)
class ImportContext:
    """What the file does not say.

    now_ms: no row is later, unix ms. sizes: coins in one contract, by instrument, None where contracts are dollars.
    marks: instrument, time_ms and price of one unit of the instrument's name, from which sums without a price take it.
    """

    now_ms: int
    sizes: Mapping[str, float | None]
    marks: pl.DataFrame


def read(frame: pl.DataFrame, layout: Layout, known: ImportContext) -> pl.DataFrame:
    """The rows of `layout.series`, sorted by instrument and time; rows that say the same are one, but for events.

    `frame`: the file's columns beside ROW and INSTRUMENT. Raises Refused for the first value, row or contradiction at
    fault.
    """
    at = layout.found([c for c in frame.columns if c not in (ROW, INSTRUMENT)])
    made = _READERS[layout.form](frame, layout, at, known)
    moment = "open_ms" if "open_ms" in made.columns else "time_ms"
    if layout.series != "realised_liquidations":
        made = _once(made, moment, at["time"])
    ordered, schema = made.sort("instrument", moment, ROW), SERIES[layout.series]
    absent = [pl.lit(None).alias(c) for c in schema if c not in ordered.columns]
    return ordered.with_columns(absent).select(pl.col(c).cast(t) for c, t in schema.items())


def _open_interest(frame: pl.DataFrame, layout: Layout, at: Mapping[str, str], known: ImportContext) -> pl.DataFrame:
    if layout.sides not in (1, 2):
        raise Refused("open interest counts one side or both; say which: --sides 1 or --sides 2")
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
    ended = opened["open_ms"] + minutes * _MINUTE_MS
    refuse(frame, ended > known.now_ms, at["time"], "opens a bar that has not ended")
    volumes = {c: ours for c, ours in {"volume": "volume_base", "taker_buy": "taker_buy_base"}.items() if c in at}
    each = _coins(frame, layout, known.sizes) if volumes else pl.lit(1.0)
    made = opened.rename({INSTRUMENT: "instrument"}).with_columns(
        pl.lit(minutes).alias("interval_minutes"),
        *(value.alias(c) for c, value in prices.items()),
        *(numbers(frame, at[c]).alias(ours) for c, ours in volumes.items()),
    )
    made = made.with_columns(pl.col(ours) * each for ours in volumes.values())
    if len(volumes) == 2:
        more = made["taker_buy_base"] > made["volume_base"] * (1 + 1e-6)
        refuse(frame, more, at["taker_buy"], "is more than the whole volume")
    return made


def _events(frame: pl.DataFrame, layout: Layout, at: Mapping[str, str], known: ImportContext) -> pl.DataFrame:
    ours = {theirs.lower(): side for side, theirs in layout.side_words.items()}
    side = words(frame, at["side"]).str.to_lowercase()
    said = " nor ".join(repr(word) for word in ours)
    refuse(frame, ~side.is_in(list(ours)), at["side"], f"is neither {said}; say the words: --side-words long=…,short=…")
    made = frame.select(
        ROW,
        pl.col(INSTRUMENT).alias("instrument"),
        times(frame, at["time"], known.now_ms).alias("time_ms"),
        side.replace_strict(ours, return_dtype=pl.String).alias("side"),
        numbers(frame, at["price"], positive=True).alias("price"),
        numbers(frame, at["size"], positive=True).alias("size"),
    )
    return _sized(made, layout)


def _sums(frame: pl.DataFrame, layout: Layout, at: Mapping[str, str], known: ImportContext) -> pl.DataFrame:
    """An event for each side of each bar in which something was liquidated, at the bar's last millisecond."""
    opened = frame.select(ROW, INSTRUMENT, times(frame, at["time"], known.now_ms).alias("open_ms"))
    minutes = bar_minutes(opened, at["time"], longest=24 * 60)
    if layout.complete and minutes > 60:
        raise Refused(f"sums of {minutes} minutes do not tell in which hour it was; they cannot be --complete")
    refuse(frame, opened["open_ms"] + minutes * _MINUTE_MS > known.now_ms, at["time"], "opens a sum that is not over")
    both = opened.select(
        ROW,
        pl.col(INSTRUMENT).alias("instrument"),
        (pl.col("open_ms") + minutes * _MINUTE_MS - 1).alias("time_ms"),
        *(numbers(frame, at[side]).alias(side) for side in ("long", "short")),
    )
    priced = both.with_columns(numbers(frame, at["price"], positive=True).alias("price")) if "price" in at else None
    both = _once(_marked(both, known.marks, at["time"]) if priced is None else priced, "time_ms", at["time"])
    long = both.unpivot(("long", "short"), index=(ROW, "instrument", "time_ms", "price"), variable_name="side")
    return _sized(long.rename({"value": "size"}).filter(pl.col("size") > 0), layout)


def _marked(sums: pl.DataFrame, marks: pl.DataFrame, column: str) -> pl.DataFrame:
    """Dollars become coins only at a price: the last mark before the bar's end."""
    found = sums.sort("time_ms").join_asof(
        marks.sort("time_ms"), on="time_ms", by="instrument", tolerance=_STALEST_MARK_MS, check_sortedness=False
    )
    told = found.with_columns(pl.from_epoch("time_ms", "ms").dt.strftime("%Y-%m-%dT%H:%M:%SZ").alias(column))
    why = "has no price in core.price_bars; import price bars of these hours first, or name a column of prices"
    refuse(told.sort(ROW), told.sort(ROW)["price"].is_null(), column, why)
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
        raise Refused(f"nothing says what amounts are counted in; add --unit {' or --unit '.join(allowed)}")
    return layout.unit


def _coins(frame: pl.DataFrame, layout: Layout, sizes: Mapping[str, float | None]) -> pl.Series:
    """Coins in what each row counts volume in."""
    of_one = sizes if _unit(layout) == "contracts" else dict.fromkeys(sizes, 1.0)
    made = frame[INSTRUMENT].replace_strict(of_one, return_dtype=pl.Float64)
    if made.null_count():
        raise Refused("contracts of dollars do not tell how many coins were traded; give volume in coins: --unit base")
    return made


def _sized(events: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Dollars stay dollars until there is a price, under the name that `priced` looks for."""
    column = {"base": "size_base", "contracts": "size_contracts", "usd": "size_usd"}[_unit(layout)]
    sized = events.rename({"size": column})
    return (
        sized.with_columns((pl.col("size_usd") / pl.col("price")).alias("size_base")) if column == "size_usd" else sized
    )


def _once(rows: pl.DataFrame, moment: str, column: str) -> pl.DataFrame:
    """Each instrument and moment once. Raises Refused where two rows of one moment differ."""
    told = [c for c in rows.columns if c != ROW]
    different = rows.sort(ROW).unique(told, keep="first", maintain_order=True)
    twice = different.filter(pl.struct("instrument", moment).is_duplicated())
    if twice.height:
        first = twice.filter(
            pl.struct("instrument", moment) == twice.select(pl.struct("instrument", moment).first()).item()
        )
        shown = ", ".join(str(number) for number in first[ROW].to_list()[:2])
        raise Refused(f"column {column!r}: rows {shown} are of the same moment of {first['instrument'][0]} and differ")
    return different
