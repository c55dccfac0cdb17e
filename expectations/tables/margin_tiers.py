"""Contract of core.margin_tiers."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

_NEXT = ("exchange", "instrument", "valid_from_utc")

TABLE = Table(
    name="margin_tiers",
    layer="core",
    kind="reported",
    doc="Risk tiers: maintenance margin rate and deduction by position size. Slowly changing, so that a past hour "
    "uses the tiers of its day; the first known version also applies before it was seen. `documented` tiers are "
    "used if an exchange publishes none without an API key.",
    grain=("exchange", "instrument", "valid_from_utc", "tier"),
    columns=pick(
        "exchange",
        "instrument",
        "coin",
        "valid_from_utc",
        "tier",
        "valid_to_utc",
        "bound_unit",
        "tier_floor",
        "tier_cap",
        "maintenance_rate",
        "deduction",
        "max_leverage_x",
        "tier_origin",
    ),
    inputs=(Input("payloads", days=14), Input("instruments"), Input("margin_tiers")),
    nullable=frozenset({"valid_to_utc"}),
    partition=("exchange",),
    versions_of=("exchange", "instrument"),
    checks=(
        Check("floor_below_cap", "A tier's floor must be below its cap.", pl.col("tier_floor") < pl.col("tier_cap")),
        Check(
            "rates_rise",
            "Maintenance rates must not fall from tier to tier; if they do, tiers were mixed up.",
            (pl.col("maintenance_rate") >= pl.col("maintenance_rate").shift(1).over(_NEXT)).fill_null(True),
        ),
        Check(
            "bounds_rise",
            "Tier floors must rise, so that a position falls into exactly one tier.",
            (pl.col("tier_floor") > pl.col("tier_floor").shift(1).over(_NEXT)).fill_null(True),
        ),
    ),
)
