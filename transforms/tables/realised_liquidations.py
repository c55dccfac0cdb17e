"""core.realised_liquidations: what was liquidated, as far as venues say."""

from __future__ import annotations

import polars as pl

from expectations.tables import table
from transforms.exchanges.replay import rows
from transforms.liquidation_feeds import BEST_FIRST, feed
from transforms.listed import listed

TABLE = table("realised_liquidations")
_EVENT = ["exchange", "instrument", "time_ms", "side", "price", "size_contracts", "size_base"]


def build(payloads: pl.DataFrame, instruments: pl.DataFrame) -> pl.DataFrame:
    """Events once each: answers and streams overlap, but two equal events in one answer are two."""
    events = _of_the_best_feed_first(rows(payloads, "realised_liquidations")).with_columns(
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
            (pl.col("size_base") * pl.col("price")).alias("size_usd"),
            pl.int_range(pl.len()).over("exchange", "instrument", "time_utc").alias("seq"),
            pl.col("time_utc").dt.date().alias("date"),
        ).select(list(TABLE.schema))
    )


def _of_the_best_feed_first(events: pl.DataFrame) -> pl.DataFrame:
    feeds = events.select("exchange", "endpoint").unique()
    known = feeds.with_columns(
        pl.Series("completeness", [feed(*each).completeness for each in feeds.rows()], dtype=pl.Enum(BEST_FIRST))
    )
    told = events.join(known, on=["exchange", "endpoint"], how="left", maintain_order="left")
    return told.sort("completeness", maintain_order=True).with_columns(pl.col("completeness").cast(pl.String))
