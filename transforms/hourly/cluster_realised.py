"""What was liquidated within the range of each cluster that was swept, and how much of the truth that is."""

from __future__ import annotations

from math import fsum

import polars as pl

_CONTRACT = ["exchange", "instrument", "hour_utc"]
_NAME = ["hour_utc", "side", "track_id"]


def realised_within(
    swept: pl.DataFrame,
    position_ledger: pl.DataFrame,
    realised_liquidations: pl.DataFrame,
    realised_coverage: pl.DataFrame,
) -> pl.DataFrame:
    """By hour, side and track of `swept`, which has a `price_low` and `price_high`: dollars, and whether that is all.

    Counted are events of the side at prices of the range, within the hour, of contracts whose feed of the hour was read
    in full. Both are null where no feed was; complete is what each contract of the hour's books tells completely.
    """
    known = position_ledger.select(_CONTRACT).unique().join(realised_coverage, on=_CONTRACT, how="left")
    whole = (pl.col("completeness") == "complete").fill_null(False).all()
    hours = known.group_by("hour_utc").agg(pl.col("completeness").is_not_null().any().alias("read"), whole.alias("all"))
    hour = pl.col("time_utc").dt.offset_by("-1ms").dt.truncate("1h").dt.offset_by("1h").alias("hour_utc")
    events = realised_liquidations.with_columns(hour).join(realised_coverage, on=_CONTRACT, how="semi")
    within = (
        swept.select(*_NAME, "price_low", "price_high")
        .join(events.select("hour_utc", "side", "price", "notional_usd"), on=["hour_utc", "side"])
        .filter(pl.col("price").is_between("price_low", "price_high"))
    )
    sizes = swept.select(_NAME).join(within.group_by(_NAME).agg("notional_usd"), on=_NAME, how="left")
    # exact before it is rounded: in which order events are added must not show
    sums = pl.Series("realised_usd", [fsum(each or []) for each in sizes["notional_usd"].to_list()], dtype=pl.Float64)
    told = sizes.drop("notional_usd").with_columns(sums).join(hours, on="hour_utc", how="left")
    read = pl.when("read")
    return told.select(
        *_NAME, read.then("realised_usd").alias("realised_usd"), read.then("all").alias("realised_is_complete")
    )
