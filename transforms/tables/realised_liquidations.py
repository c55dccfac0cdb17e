"""core.realised_liquidations: liquidations as exchanges publish them or imports provide them."""

from __future__ import annotations

import polars as pl

from expectations.tables import table
from transforms.exchanges.feeds import BEST_FIRST, feed
from transforms.exchanges.imported import is_imported
from transforms.exchanges.replay import STORED, of_its_days, rows
from transforms.hourly.hours import HOUR_MS
from transforms.reference.latest import listed
from transforms.tables import realised_coverage

TABLE = table("realised_liquidations")
_UTC = TABLE.schema["time_utc"]
_HOUR = ["exchange", "instrument", "hour_utc"]
_EXCHANGE = "exchange"  # the exchange's list and stream together
_PROVIDER = pl.when(is_imported()).then("source").otherwise(pl.lit(_EXCHANGE))
_EVENT = ["exchange", "instrument", "time_ms", "side", "price", "size_contracts", "size_base"]


def build(payloads: pl.DataFrame, instruments: pl.DataFrame) -> pl.DataFrame:
    """Return each event once: responses and streams overlap, but equal events within one response are distinct.

    Each hour of a contract comes from one provider, because two would count shared events twice. The order is: the
    exchange where it covers the hour (but a complete import before the exchange's sample), then a complete import, then
    the last import, then the exchange.
    """
    coverage = realised_coverage.build(payloads, instruments)
    received = of_its_days(rows(payloads, "realised_liquidations", also=STORED))
    chosen = _one_provider_per_hour(received, coverage)
    events = _sort_best_feed_first(chosen).with_columns(
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


def _one_provider_per_hour(events: pl.DataFrame, coverage: pl.DataFrame) -> pl.DataFrame:
    """Keep the events of each hour's provider, with `completeness` set where that is a complete import.

    `events`: in order of priority, imports before the exchange's own.
    """
    hour = pl.from_epoch((pl.col("time_ms") - 1) // HOUR_MS * HOUR_MS + HOUR_MS, "ms").cast(_UTC).alias("hour_utc")
    covered = coverage.select(*_HOUR, _PROVIDER.alias("covered_by"))
    joined = events.with_columns(hour, _PROVIDER.alias("provider")).join(
        covered, on=_HOUR, how="left", maintain_order="left"
    )
    last_import = pl.col("provider").filter(is_imported()).last().over(_HOUR)
    chosen = joined.filter(pl.col("provider") == pl.coalesce("covered_by", last_import, pl.lit(_EXCHANGE)))
    return chosen.with_columns(
        pl.when(is_imported() & pl.col("covered_by").is_not_null()).then(pl.lit("complete")).alias("completeness")
    )


def _sort_best_feed_first(events: pl.DataFrame) -> pl.DataFrame:
    feeds = events.select("exchange", "endpoint").unique()
    known = feeds.with_columns(pl.Series("known", [feed(*each).completeness for each in feeds.rows()], dtype=pl.String))
    with_feed = events.join(known, on=["exchange", "endpoint"], how="left", maintain_order="left")
    completeness = pl.coalesce("completeness", "known").cast(pl.Enum(BEST_FIRST)).alias("completeness")
    best_first = with_feed.with_columns(completeness).sort("completeness", maintain_order=True)
    return best_first.with_columns(pl.col("completeness").cast(pl.String))
