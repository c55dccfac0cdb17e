"""Contract of ops.checks."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Table

TABLE = Table(
    name="checks",
    layer="ops",
    kind="log",
    doc="Outcome of every check of each partition, per run hour.",
    grain=("hour_utc", "table_name", "partition", "check_name"),
    columns=pick(
        "date", "hour_utc", "table_name", "partition", "check_name", "severity", "passed", "failing_rows", "reason"
    ),
    partition=("date",),
    time_column="hour_utc",
    checks=(
        Check(
            "failures_have_reason",
            "A failed check must have a reason.",
            pl.col("passed") | (pl.col("reason").str.len_chars() > 0),
        ),
    ),
)
