"""core.margin_tiers: risk tiers; a version holds all tiers of an instrument."""

from __future__ import annotations

import polars as pl

from expectations.tables import table
from transforms.exchanges.parsing.documented_tiers import documented
from transforms.exchanges.replay import rows
from transforms.reference.versions import append_versions

TABLE = table("margin_tiers")
_VERSION = ["exchange", "instrument", "valid_from_utc"]


def build(payloads: pl.DataFrame, instruments: pl.DataFrame, margin_tiers: pl.DataFrame) -> pl.DataFrame:
    """Add the tiers reported in `payloads` to the known versions in `margin_tiers`.

    Instruments without reported tiers get the documented ones.
    """
    coins = instruments.select("exchange", "instrument", "coin").unique()
    reported = (
        rows(payloads, "margin_tiers")
        .rename({"floor": "tier_floor", "cap": "tier_cap", "received_at_utc": "valid_from_utc"})
        .join(coins, on=["exchange", "instrument"])
        .unique([*_VERSION, "tier"], keep="last", maintain_order=True)
        .with_columns(pl.lit("reported").alias("tier_origin"), *_open_end())
    )
    known = append_versions(TABLE, margin_tiers, reported.select(list(TABLE.schema)))
    without = instruments.join(known, on=["exchange", "instrument"], how="anti")
    return append_versions(TABLE, known, _documented(without))


def _documented(instruments: pl.DataFrame) -> pl.DataFrame:
    first = instruments.group_by("exchange", "instrument", "coin").agg(pl.col("valid_from_utc").min())
    found = [TABLE.empty()]
    for exchange in first["exchange"].unique().sort().to_list():
        tiers = pl.DataFrame(documented(exchange), orient="row")
        own = first.filter(pl.col("exchange") == exchange).join(tiers, how="cross")
        found.append(TABLE.conform(own.with_columns(pl.lit("documented").alias("tier_origin"), *_open_end())))
    return pl.concat(found)


def _open_end() -> list[pl.Expr]:
    return [pl.lit(None, dtype=TABLE.schema["valid_to_utc"]).alias("valid_to_utc")]
