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
    doc="Whose liquidations would reach whose positions. Each exchange by itself: the mark goes through all that stands "
    "on it up to the far edge of the cluster in which it holds most; its liquidations alone move the price on, by the "
    "impact law with the numbers of `mart.cascade_risk`; what stands on each exchange, itself included, in the range so "
    "reached is what they would set off. No rows for an exchange that holds nothing in any cluster of the side, nor where "
    "volatility or volume is not known.",
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
    inputs=(Input("liquidation_levels", required=True), Input("liquidation_clusters"), Input("cascade_risk")),
    nullable=frozenset({"reached_cluster_id"}),
    time_column="hour_utc",
    may_be_empty=True,
    checks=(
        Check(
            "pushed_away_from_the_mark",
            "Liquidated longs are sold and push the price down, shorts are bought and push it up; never through zero.",
            (_OUTWARD * (_TO - _FROM) > 0) & (_TO > 0),
        ),
        Check(
            "one_push_for_all_it_reaches",
            "An exchange's liquidations move the price once, whoever stands there.",
            pl.all_horizontal(
                pl.col(c).n_unique().over(_PUSH) == 1
                for c in ("cluster_id", "pushed_from_price", "pushed_to_price", "pushing_usd")
            ),
        ),
        Check(
            "somebody_pushes",
            "Where nothing is liquidated nothing moves.",
            pl.col("pushing_usd") > 0,
        ),
        Check(
            "another_cluster_is_reached",
            "The cluster that was gone through cannot be reached by what it set off.",
            (pl.col("reached_cluster_id") != pl.col("cluster_id")).fill_null(True),
        ),
    ),
)
