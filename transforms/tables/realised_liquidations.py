"""core.realised_liquidations: what was liquidated, as far as exchanges say."""

from __future__ import annotations

import polars as pl

from expectations.tables import table
from transforms.exchanges.feeds import BEST_FIRST, feed
from transforms.exchanges.imported import is_imported
from transforms.exchanges.replay import STORED, of_its_days, rows
from transforms.reference.latest import listed
from transforms.tables import realised_coverage

TABLE = table("realised_liquidations")
_HOUR_MS = 3_600_000
_UTC = TABLE.schema["time_utc"]
_HOUR = ["exchange", "instrument", "hour_utc"]
_EXCHANGE = "exchange"  # its list and its stream together
_TELLER = pl.when(is_imported()).then("source").otherwise(pl.lit(_EXCHANGE))
_EVENT = ["exchange", "instrument", "time_ms", "side", "price", "size_contracts", "size_base"]


def build(payloads: pl.DataFrame, instruments: pl.DataFrame) -> pl.DataFrame:
    """Events once each: answers and streams overlap, but two equal events in one answer are two.

    An hour of a contract is told by the exchange or by one import, as two would count what they share twice: by the exchange
    where its own covers the hour, and not as a sample where an import is complete; else by a complete import, else by
    the last import, else by the exchange.
    """
    coverage = realised_coverage.build(payloads, instruments)
    heard = of_its_days(rows(payloads, "realised_liquidations", also=STORED))
    told = _by_one_teller(heard, coverage)
    events = _of_the_best_feed_first(told).with_columns(
        pl.int_range(pl.len()).over([*_EVENT, "endpoint", "received_at_utc"]).alias("nth")
    )
    once = events.unique([*_EVENT, "nth"], keep="first", maintain_order=True).join(
        listed(instruments), on=["exchange", "instrument"]
    )
    unit = pl.col("unit_multiplier")
    sized = once.with_columns(
        (pl.col("size_base").fill_null(pl.col("size_contracts") * pl.col("contract_base")) * unit).alias("size_base"),
        pl.col("price") / unit,
        pl.from_epoch("time_ms", "ms").cast(TABLE.schema["time_utc"]).alias("time_utc"),
    ).sort("exchange", "instrument", "time_utc", "side", "price", "size_base", "nth")
    return TABLE.conform(
        sized.with_columns(
            (pl.col("size_base") * pl.col("price")).alias("notional_usd"),
            pl.int_range(pl.len()).over("exchange", "instrument", "time_utc").alias("seq"),
            pl.col("time_utc").dt.date().alias("date"),
        ).select(list(TABLE.schema))
    )


def _by_one_teller(events: pl.DataFrame, coverage: pl.DataFrame) -> pl.DataFrame:
    """The events of whoever tells of their hour, with `completeness` where that is a complete import.

    `events` in the order in which sources count: imports, then the exchange's own.
    """
    hour = pl.from_epoch((pl.col("time_ms") - 1) // _HOUR_MS * _HOUR_MS + _HOUR_MS, "ms").cast(_UTC).alias("hour_utc")
    covered = coverage.select(*_HOUR, _TELLER.alias("covered_by"))
    joined = events.with_columns(hour, _TELLER.alias("teller")).join(
        covered, on=_HOUR, how="left", maintain_order="left"
    )
    last_import = pl.col("teller").filter(is_imported()).last().over(_HOUR)
    told = joined.filter(pl.col("teller") == pl.coalesce("covered_by", last_import, pl.lit(_EXCHANGE)))
    return told.with_columns(
        pl.when(is_imported() & pl.col("covered_by").is_not_null()).then(pl.lit("complete")).alias("completeness")
    )


def _of_the_best_feed_first(events: pl.DataFrame) -> pl.DataFrame:
    feeds = events.select("exchange", "endpoint").unique()
    known = feeds.with_columns(pl.Series("known", [feed(*each).completeness for each in feeds.rows()], dtype=pl.String))
    told = events.join(known, on=["exchange", "endpoint"], how="left", maintain_order="left")
    completeness = pl.coalesce("completeness", "known").cast(pl.Enum(BEST_FIRST)).alias("completeness")
    best_first = told.with_columns(completeness).sort("completeness", maintain_order=True)
    return best_first.with_columns(pl.col("completeness").cast(pl.String))
