"""Realised liquidations within the range of each swept cluster, and whether they are complete."""

from __future__ import annotations

from math import fsum

import polars as pl

from transforms.hourly.hours import hour_of

_CONTRACT = ["exchange", "instrument", "hour_utc"]
_TRACK = ["hour_utc", "side", "track_id"]


def realised_within(
    swept: pl.DataFrame,
    position_ledger: pl.DataFrame,
    realised_liquidations: pl.DataFrame,
    realised_coverage: pl.DataFrame,
) -> pl.DataFrame:
    """Return realised_usd and realised_is_complete by hour, side and track of `swept`.

    swept: has the cluster's `price_low` and `price_high`. Events count if they are of the side, within the hour and the
    price range, and of a contract covered in the hour. Both columns are null where no contract is covered;
    realised_is_complete holds where every contract in the hour's ledger has a complete feed.
    """
    contracts = position_ledger.select(_CONTRACT).unique().join(realised_coverage, on=_CONTRACT, how="left")
    is_complete = (pl.col("completeness") == "complete").fill_null(False).all()
    is_covered = pl.col("completeness").is_not_null().any()
    hours = contracts.group_by("hour_utc").agg(is_covered.alias("covered"), is_complete.alias("complete"))
    hour = hour_of(pl.col("time_utc"))
    events = realised_liquidations.with_columns(hour).join(realised_coverage, on=_CONTRACT, how="semi")
    within = (
        swept.select(*_TRACK, "price_low", "price_high")
        .join(events.select("hour_utc", "side", "price", "notional_usd"), on=["hour_utc", "side"])
        .filter(pl.col("price").is_between("price_low", "price_high"))
    )
    sizes = swept.select(_TRACK).join(within.group_by(_TRACK).agg("notional_usd"), on=_TRACK, how="left")
    # fsum, because the result must not depend on the order of events.
    sums = pl.Series("realised_usd", [fsum(each or []) for each in sizes["notional_usd"].to_list()], dtype=pl.Float64)
    realised = sizes.drop("notional_usd").with_columns(sums).join(hours, on="hour_utc", how="left")
    where_covered = pl.when("covered")
    return realised.select(
        *_TRACK,
        where_covered.then("realised_usd").alias("realised_usd"),
        where_covered.then("complete").alias("realised_is_complete"),
    )
