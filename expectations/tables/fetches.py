"""Contract of ops.fetches."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Table

TABLE = Table(
    name="fetches",
    layer="ops",
    kind="log",
    doc="Every request to an exchange with its outcome: the last attempt at each. `ok` with zero attempts means that "
    "the request was not sent, because a monthly file, stored with the month's first day, answers it.",
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
            "failures_have_reason",
            "A request whose outcome is not `ok` must have a reason.",
            (pl.col("outcome") == "ok") | (pl.col("reason").str.len_chars() > 0),
        ),
    ),
)
