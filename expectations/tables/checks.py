"""Contract of ops.checks."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Table

TABLE = Table(
    name="checks",
    layer="ops",
    kind="log",
    doc="What was checked of each partition in the run of each hour, and whether it held.",
    grain=("hour_utc", "table_name", "partition", "check_name"),
    columns=pick(
        "date", "hour_utc", "table_name", "partition", "check_name", "severity", "passed", "failing_rows", "reason"
    ),
    partition=("date",),
    time_column="hour_utc",
    checks=(
        Check(
            "failures_say_why",
            "A partition held back without a reason helps nobody.",
            pl.col("passed") | (pl.col("reason").str.len_chars() > 0),
        ),
    ),
)
