"""Contract of core.realised_liquidations."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

TABLE = Table(
    name="realised_liquidations",
    layer="core",
    kind="realised",
    doc="Liquidations that happened, as published; `completeness` states the coverage of the feed. Each hour of a "
    "contract comes from the exchange's own feeds or from one import, never from both.",
    grain=("exchange", "instrument", "time_utc", "seq"),
    columns=pick(
        "exchange",
        "instrument",
        "coin",
        "date",
        "time_utc",
        "seq",
        "side",
        "price",
        "size_base",
        "notional_usd",
        "completeness",
        "source",
    ),
    inputs=(Input("payloads", days=1, required=True), Input("instruments")),
    time_column="time_utc",
    may_be_empty=True,
    checks=(
        Check("size_is_positive", "A liquidation must have a size above zero.", pl.col("size_base") > 0),
        Check(
            "notional_matches_price",
            "`notional_usd` must equal `size_base` times `price`; if not, contracts, coins or dollars were mixed up.",
            ((pl.col("notional_usd") / (pl.col("size_base") * pl.col("price")) - 1).abs() < 1e-6),
        ),
    ),
)
