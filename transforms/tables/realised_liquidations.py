"""core.realised_liquidations: what was liquidated, as far as venues say."""

from __future__ import annotations

import polars as pl

from expectations.columns import EXCHANGES
from expectations.tables import table
from transforms.exchanges.replay import rows
from transforms.liquidation_feeds import feed
from transforms.listed import listed
from transforms.tables import realised_coverage

TABLE = table("realised_liquidations")
_COMPLETENESS = {exchange: feed(exchange).completeness for exchange in EXCHANGES}
_HOUR_MS = 3_600_000
_UTC = TABLE.schema["time_utc"]
_HOUR = ["exchange", "instrument", "hour_utc"]
_IMPORTED = pl.col("source").str.starts_with("imported")
_EVENT = ["exchange", "instrument", "time_ms", "side", "price", "size_contracts", "size_base"]


def build(payloads: pl.DataFrame, instruments: pl.DataFrame) -> pl.DataFrame:
    """Events once each: answers overlap, but two equal events in one answer are two.

    An hour of a contract is told by one source, as two would count what they share twice: by the venue where its list
    was read in full, else by an import that is complete, else by the last import, else by the venue.
    """
    coverage = realised_coverage.build(payloads, instruments)
    told = _by_one_source(rows(payloads, "realised_liquidations"), coverage)
    events = told.with_columns(pl.int_range(pl.len()).over([*_EVENT, "received_at_utc"]).alias("nth"))
    once = events.unique([*_EVENT, "nth"], keep="first", maintain_order=True).join(
        listed(instruments), on=["exchange", "instrument"]
    )
    unit, feeds = pl.col("unit_multiplier"), pl.col("exchange").replace_strict(_COMPLETENESS)
    sized = once.with_columns(
        (pl.col("size_base").fill_null(pl.col("size_contracts") * pl.col("contract_base")) * unit).alias("size_base"),
        pl.col("price") / unit,
        pl.from_epoch("time_ms", "ms").cast(TABLE.schema["time_utc"]).alias("time_utc"),
        pl.coalesce("completeness", pl.when(_IMPORTED).then(pl.lit("sampled")), feeds).alias("completeness"),
    ).sort("exchange", "instrument", "time_utc", "side", "price", "size_base", "nth")
    return TABLE.conform(
        sized.with_columns(
            (pl.col("size_base") * pl.col("price")).alias("size_usd"),
            pl.int_range(pl.len()).over("exchange", "instrument", "time_utc").alias("seq"),
            pl.col("time_utc").dt.date().alias("date"),
        ).select(list(TABLE.schema))
    )


def _by_one_source(events: pl.DataFrame, coverage: pl.DataFrame) -> pl.DataFrame:
    """The events of the source that tells of their hour, with `completeness` where the hour is covered.

    `events` in the order in which sources count: imports, then the venue's own.
    """
    hour = pl.from_epoch((pl.col("time_ms") - 1) // _HOUR_MS * _HOUR_MS + _HOUR_MS, "ms").cast(_UTC).alias("hour_utc")
    covered = coverage.select(*_HOUR, "completeness", pl.col("source").alias("covered_by"))
    joined = events.with_columns(hour).join(covered, on=_HOUR, how="left", maintain_order="left")
    imported = pl.col("source").filter(_IMPORTED).last().over(_HOUR)
    tells = pl.coalesce("covered_by", imported, pl.col("source").last().over(_HOUR))
    return joined.filter(pl.col("source") == tells).drop("hour_utc", "covered_by")
