"""Contract of mart.standing_positions."""

import polars as pl

from expectations.columns import pick
from expectations.contract import Check, Table

TABLE = Table(
    name="standing_positions",
    layer="mart",
    kind="modelled",
    doc="The estimator's state after an hour, so that the next hour costs the same whatever the length of history: "
    "coins standing by liquidation price, leverage class and holding class. Only the last hour built of each "
    "date is kept.",
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
        "base",
        "base_1d",
        "base_7d",
        "base_30d",
        "mark_price",
        "parameters_version",
        "source",
    ),
    inputs=("price_bars", "open_interest", "margin_tiers", "instruments", "model_parameters"),
    time_column="hour_utc",
    built_with="liquidation_levels",
    checks=(
        Check(
            "windows_nest",
            "What was opened in the last day was opened in the last week.",
            (pl.col("base_1d") <= pl.col("base_7d"))
            & (pl.col("base_7d") <= pl.col("base_30d"))
            & (pl.col("base_30d") <= pl.col("base")),
        ),
        Check(
            "one_hour_a_partition",
            "Two hours in one file would be counted twice by whoever carries on from it.",
            pl.col("hour_utc").n_unique().over("coin", "date") == 1,
        ),
    ),
)
