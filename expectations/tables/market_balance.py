"""Contract of mart.market_balance."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

_TOTAL = pl.col("long_usd") + pl.col("short_usd")

TABLE = Table(
    name="market_balance",
    layer="mart",
    kind="modelled",
    doc="Long against short notional within 1, 2, 5 and 10 % of the mark, all exchanges together.",
    grain=("hour_utc", "distance_bp"),
    columns=pick(
        "coin",
        "date",
        "hour_utc",
        "distance_bp",
        "long_usd",
        "short_usd",
        "imbalance",
        "mark_price",
        "is_stale",
        "parameters_version",
        "source",
    ),
    inputs=(Input("liquidation_curve", required=True),),
    nullable=frozenset({"imbalance"}),
    time_column="hour_utc",
    fresh_within_hours=0,
    checks=(
        Check(
            "imbalance_matches_sides",
            "`imbalance` must equal the ratio of `long_usd` and `short_usd`, and is null only if both are zero.",
            pl.when(pl.col("imbalance").is_null())
            .then(_TOTAL == 0)
            .otherwise(
                (pl.col("imbalance") * _TOTAL - (pl.col("long_usd") - pl.col("short_usd"))).abs()
                <= 1e-9 * pl.max_horizontal(_TOTAL, pl.lit(1.0))
            ),
        ),
        Check(
            "grows_with_distance",
            "Notional cannot fall as the distance grows.",
            (
                pl.col("long_usd") >= pl.col("long_usd").shift(1).over("coin", "hour_utc", order_by="distance_bp")
            ).fill_null(True)
            & (
                pl.col("short_usd") >= pl.col("short_usd").shift(1).over("coin", "hour_utc", order_by="distance_bp")
            ).fill_null(True),
        ),
    ),
)
