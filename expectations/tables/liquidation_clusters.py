"""Contract of mart.liquidation_clusters."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

_COLUMNS = ("hour_utc", "exchange", "side", "price_bucket", "notional_usd")

TABLE = Table(
    name="liquidation_clusters",
    layer="mart",
    kind="modelled",
    doc="Contiguous price ranges with more notional than their neighbourhood, all exchanges together. Detected by "
    "cell-averaging constant false alarm rate detection (Finn and Johnson 1968): a bucket belongs to a cluster "
    "if its notional exceeds 1.05 times the mean of the 40 buckets around it, excluding two guard buckets on "
    "each side.",
    grain=("hour_utc", "side", "rank"),
    columns=pick(
        "coin",
        "date",
        "hour_utc",
        "side",
        "rank",
        "cluster_id",
        "price_low",
        "price_high",
        "price_peak",
        "notional_usd",
        "intensity",
        "intensity_z",
        "distance_bp",
        "mark_price",
        "is_stale",
        "parameters_version",
        "source",
    ),
    inputs=(Input("liquidation_levels", days=7, columns=_COLUMNS, required=True), Input("position_ledger")),
    nullable=frozenset({"intensity_z"}),
    time_column="hour_utc",
    may_be_empty=True,
    checks=(
        Check(
            "peak_within_cluster",
            "The peak must lie inside the cluster's price range.",
            (pl.col("price_low") <= pl.col("price_peak")) & (pl.col("price_peak") <= pl.col("price_high")),
        ),
        Check(
            "ranked_by_notional",
            "Ranks must follow notional; rank 1 is the largest cluster.",
            (
                pl.col("notional_usd")
                <= pl.col("notional_usd").shift(1).over("coin", "hour_utc", "side", order_by="rank") * (1 + 1e-12)
            ).fill_null(True),
        ),
        Check(
            "exceeds_neighbours",
            "A cluster must hold more than the mean of its neighbouring buckets.",
            pl.col("intensity") > 1,
        ),
        Check(
            "on_its_side_of_the_mark",
            "Longs are liquidated below the mark, shorts above it.",
            pl.when(pl.col("side") == "long")
            .then(pl.col("price_low") <= pl.col("mark_price"))
            .otherwise(pl.col("price_high") >= pl.col("mark_price")),
        ),
    ),
)
