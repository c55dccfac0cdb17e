"""Contract of raw.payloads."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Table

TABLE = Table(
    name="payloads",
    layer="raw",
    kind="reported",
    doc="Every response as received, before parsing; all other tables can be rebuilt from it. `date` is the day of "
    "the requested window, or of receipt for a snapshot.",
    grain=("exchange", "endpoint", "request", "received_at_utc"),
    columns=pick(
        "exchange",
        "date",
        "endpoint",
        "request",
        "received_at_utc",
        "sent_at_utc",
        "instrument",
        "window_start_utc",
        "window_end_utc",
        "source",
        "status",
        "headers",
        "body",
        "sha256",
    ),
    nullable=frozenset({"instrument", "window_start_utc", "window_end_utc"}),
    partition=("exchange", "date"),
    time_column="received_at_utc",
    checks=(
        Check(
            "sent_before_received",
            "A response cannot arrive before its request was sent.",
            pl.col("sent_at_utc") <= pl.col("received_at_utc"),
        ),
    ),
)
