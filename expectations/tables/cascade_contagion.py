"""Contract of mart.cascade_contagion."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

_OUTWARD = pl.when(pl.col("side") == "long").then(-1.0).otherwise(1.0)
_FROM, _TO = pl.col("pushed_from_price"), pl.col("pushed_to_price")
_PUSH = ("coin", "hour_utc", "side", "exchange")

TABLE = Table(
    name="cascade_contagion",
    former_name="mart.cascade_reach",
    layer="mart",
    kind="modelled",
    doc="Spill-over of liquidations between exchanges: the positions that one exchange's liquidations would hit on "
    "each exchange. For each exchange alone, the mark sweeps its notional up to the far edge of the cluster in "
    "which it holds the most. Those liquidations then move the price on by the impact law, with the constants of "
    "mart.cascade_risk. `reached_usd` is the notional of each exchange, itself included, in the range that the "
    "price then crosses. There are no rows for an exchange without notional in a cluster of the side, nor if "
    "volatility or volume is unknown.",
    grain=("hour_utc", "side", "exchange", "reached_exchange"),
    columns=pick(
        "coin",
        "date",
        "hour_utc",
        "side",
        "exchange",
        "reached_exchange",
        "cluster_id",
        "pushed_from_price",
        "pushed_to_price",
        "pushing_usd",
        "reached_usd",
        "reached_cluster_id",
        "mark_price",
        "is_stale",
        "parameters_version",
        "source",
    ),
    inputs=(
        Input("liquidation_levels", required=True),
        Input("liquidation_clusters"),
        Input("cluster_shares"),
        Input("cascade_risk"),
    ),
    nullable=frozenset({"reached_cluster_id"}),
    time_column="hour_utc",
    may_be_empty=True,
    checks=(
        Check(
            "pushed_away_from_the_mark",
            "Liquidated longs push the price down, liquidated shorts push it up, and it stays above zero.",
            (_OUTWARD * (_TO - _FROM) > 0) & (_TO > 0),
        ),
        Check(
            "one_push_per_exchange",
            "An exchange's liquidations move the price once: cluster, prices and `pushing_usd` are the same for "
            "every reached exchange.",
            pl.all_horizontal(
                pl.col(c).n_unique().over(_PUSH) == 1
                for c in ("cluster_id", "pushed_from_price", "pushed_to_price", "pushing_usd")
            ),
        ),
        Check(
            "pushing_usd_is_positive",
            "Only liquidations move the price, so `pushing_usd` must be above zero.",
            pl.col("pushing_usd") > 0,
        ),
        Check(
            "reached_cluster_differs",
            "A cluster cannot be in the path of its own cascade.",
            (pl.col("reached_cluster_id") != pl.col("cluster_id")).fill_null(True),
        ),
    ),
)
