"""Contract of model.state_positions."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Table

TABLE = Table(
    name="state_positions",
    former_name="mart.standing_positions",
    layer="model",
    kind="modelled",
    doc="Estimator state at the end of an hour, so that the next hour costs the same however long the history: open "
    "positions by liquidation price, leverage class and holding class, as if all activity belonged to that "
    "class. It does not depend on parameters: the weights of model.model_parameters turn it into coins when it "
    "is read. Only the last built hour of each date is stored.",
    grain=("hour_utc", "exchange", "instrument", "side", "price_bucket", "position_class", "holding_class"),
    columns=pick(
        "coin",
        "date",
        "hour_utc",
        "exchange",
        "instrument",
        "side",
        "price_bucket",
        "position_class",
        "holding_class",
        "activity_base",
        "activity_1d_base",
        "activity_7d_base",
        "activity_30d_base",
        "mark_price",
        "open_interest_base",
        "closing_base",
        "turnover_per_hour",
        "turnover_hours",
        "aged_hours",
        "initialised_utc",
        "source",
    ),
    nullable=frozenset({"initialised_utc"}),
    time_column="hour_utc",
    built_with="liquidation_levels",
    kept_days=10,
    checks=(
        Check(
            "windows_nest",
            "Activity of a shorter window is part of the longer one: 1 day <= 7 days <= 30 days <= total.",
            (pl.col("activity_1d_base") <= pl.col("activity_7d_base"))
            & (pl.col("activity_7d_base") <= pl.col("activity_30d_base"))
            & (pl.col("activity_30d_base") <= pl.col("activity_base")),
        ),
        Check(
            "one_hour_per_partition",
            "A partition stores the state of one hour; two would be counted twice when it is loaded.",
            pl.col("hour_utc").n_unique().over("coin", "date") == 1,
        ),
    ),
)
