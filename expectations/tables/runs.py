"""Contract of ops.runs."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Table

TABLE = Table(
    name="runs",
    layer="ops",
    kind="log",
    doc="Every run: its hours, its outcome and its counts.",
    grain=("run_id",),
    columns=pick(
        "date",
        "run_id",
        "started_at_utc",
        "finished_at_utc",
        "first_hour_utc",
        "last_hour_utc",
        "coins",
        "exchanges",
        "source",
        "run_status",
        "fetched",
        "published",
        "quarantined",
        "reason",
    ),
    partition=("date",),
    time_column="started_at_utc",
    checks=(
        Check(
            "ends_after_it_starts",
            "A run cannot finish before it starts.",
            pl.col("finished_at_utc") >= pl.col("started_at_utc"),
        ),
        Check(
            "hours_in_order",
            "The last hour cannot be before the first.",
            pl.col("last_hour_utc") >= pl.col("first_hour_utc"),
        ),
    ),
)
