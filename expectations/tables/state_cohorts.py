"""Contract of model.state_cohorts."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Table

TABLE = Table(
    name="state_cohorts",
    former_name="mart.opened_cohorts",
    layer="model",
    kind="modelled",
    doc="Estimator state: activity of each of the last 720 hours by entry price, and how far the mark went against "
    "it. The estimator needs it to move positions out of the windows of 1, 7 and 30 days. Retention is that of "
    "model.state_positions. An hour with bars but no openings has a row with zero activity.",
    grain=("hour_utc", "exchange", "instrument", "side", "opened_utc", "entry_bucket"),
    columns=pick(
        "coin",
        "date",
        "hour_utc",
        "exchange",
        "instrument",
        "side",
        "opened_utc",
        "entry_bucket",
        "activity_base",
        "aged_hours",
        "reached_bucket",
        "hour_began_bucket",
        "hour_reached_bucket",
    ),
    time_column="hour_utc",
    built_with="liquidation_levels",
    kept_days=10,
    may_be_empty=True,
    checks=(
        Check(
            "opened_within_30_days",
            "Cohorts older than 30 days are in no window and must be dropped; none can be opened in the future.",
            (pl.col("opened_utc") <= pl.col("hour_utc"))
            & (pl.col("opened_utc") > pl.col("hour_utc") - pl.duration(hours=720)),
        ),
    ),
)
