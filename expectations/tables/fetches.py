"""Contract of ops.fetches."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Table

TABLE = Table(
    name="fetches",
    layer="ops",
    kind="log",
    doc="What was asked of each exchange and what came of it: the last attempt at every question. `ok` after no attempt: "
    "not asked, since a file of the month, stored with its first day, answers it.",
    grain=("exchange", "endpoint", "request"),
    columns=pick(
        "exchange",
        "date",
        "endpoint",
        "request",
        "instrument",
        "window_start_utc",
        "window_end_utc",
        "sent_at_utc",
        "outcome",
        "status",
        "reason",
        "attempts",
        "rows",
        "bytes",
        "elapsed_ms",
    ),
    nullable=frozenset({"instrument", "window_start_utc", "window_end_utc", "status"}),
    partition=("exchange", "date"),
    time_column="sent_at_utc",
    checks=(
        Check(
            "failures_say_why",
            "An outcome that is not ok without a reason helps nobody.",
            (pl.col("outcome") == "ok") | (pl.col("reason").str.len_chars() > 0),
        ),
    ),
)
