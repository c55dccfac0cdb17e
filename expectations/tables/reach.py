"""Contract of ops.reach."""

import polars as pl

from expectations.columns import pick
from expectations.contract import Check, Table

TABLE = Table(
    name="reach",
    layer="ops",
    kind="log",
    doc="How far back a venue was found to have a series, when it was last asked: where its documentation is in doubt, "
    "a backfill asks once a month and plans by the answer.",
    grain=("exchange", "series", "interval_minutes"),
    columns=pick("exchange", "series", "interval_minutes", "asked_at_utc", "oldest_utc"),
    partition=(),
    checks=(
        Check("oldest_is_past", "A reading is older than its answer.", pl.col("oldest_utc") <= pl.col("asked_at_utc")),
    ),
)
