"""Contract of model.state_positions."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Table

TABLE = Table(
    name="state_positions",
    former_name="mart.standing_positions",
    layer="model",
    kind="modelled",
    doc="The estimator's state after an hour, so that the next hour costs the same whatever the length of history: "
    "what would stand by liquidation price, leverage class and holding class, were all activity of that class. "
    "It knows no parameters: the weights of model_parameters make coins of it when it is read. Only the last hour "
    "built of each date is kept.",
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
            "What was opened in the last day was opened in the last week.",
            (pl.col("activity_1d_base") <= pl.col("activity_7d_base"))
            & (pl.col("activity_7d_base") <= pl.col("activity_30d_base"))
            & (pl.col("activity_30d_base") <= pl.col("activity_base")),
        ),
        Check(
            "one_hour_a_partition",
            "Two hours in one file would be counted twice by whoever carries on from it.",
            pl.col("hour_utc").n_unique().over("coin", "date") == 1,
        ),
    ),
)
