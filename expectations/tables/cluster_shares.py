"""Contract of mart.cluster_shares."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

_LEVELS = ("coin", "hour_utc", "exchange", "side", "price_bucket", "notional_usd")

TABLE = Table(
    name="cluster_shares",
    layer="mart",
    kind="modelled",
    doc="Notional of each exchange in each cluster of mart.liquidation_clusters, and its share of the cluster. "
    "Exchanges without notional in a cluster have no row.",
    grain=("hour_utc", "side", "rank", "exchange"),
    columns=pick(
        "coin",
        "date",
        "hour_utc",
        "side",
        "rank",
        "cluster_id",
        "exchange",
        "notional_usd",
        "share",
        "mark_price",
        "is_stale",
        "parameters_version",
        "source",
    ),
    inputs=(Input("liquidation_levels", columns=_LEVELS, required=True), Input("liquidation_clusters")),
    time_column="hour_utc",
    may_be_empty=True,
    checks=(
        Check(
            "shares_add_up_to_one",
            "The exchanges' shares must add up to the whole cluster.",
            (pl.col("share").sum().over("coin", "hour_utc", "side", "rank") - 1).abs() <= 1e-9,
        ),
        Check(
            "share_matches_notional",
            "A share must be the exchange's notional divided by that of the cluster.",
            (
                pl.col("share") * pl.col("notional_usd").sum().over("coin", "hour_utc", "side", "rank")
                - pl.col("notional_usd")
            ).abs()
            <= 1e-6 * pl.max_horizontal(pl.col("notional_usd"), pl.lit(1.0)),
        ),
    ),
)
