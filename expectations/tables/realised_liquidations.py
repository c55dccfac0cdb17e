"""Contract of core.realised_liquidations."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

TABLE = Table(
    name="realised_liquidations",
    layer="core",
    kind="realised",
    doc="Liquidations that happened, where an exchange publishes them; `completeness` says how much of the truth the "
    "feed holds. An hour of a contract is told by the exchange's own feeds or by one import, never by both.",
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
        Check("size_is_positive", "A liquidation of nothing did not happen.", pl.col("size_base") > 0),
        Check(
            "dollars_are_coins_at_price",
            "Contracts, coins and dollars are three things.",
            ((pl.col("notional_usd") / (pl.col("size_base") * pl.col("price")) - 1).abs() < 1e-6),
        ),
    ),
)
