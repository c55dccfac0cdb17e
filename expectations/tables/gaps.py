"""Contract of ops.gaps."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

_WINDOW = ("window_start_utc", "window_end_utc")
_ASKED = ("exchange", "date", "endpoint", "instrument", *_WINDOW, "outcome", "reason")

TABLE = Table(
    name="gaps",
    layer="ops",
    kind="log",
    doc="Every requested hour that is not available as reported, and why: it is missing, carried from some minutes "
    "before its end, or derived from another series. The map flags rows that it carries over a missing hour as "
    "`is_stale`.",
    grain=("exchange", "instrument", "series", "hour_utc"),
    columns=pick("coin", "date", "exchange", "instrument", "series", "hour_utc", "state", "reason"),
    inputs=(
        Input("fetches", days=1, columns=_ASKED, required=True),
        Input("payloads", days=1, columns=("exchange", "date", "endpoint", *_WINDOW), required=True),
        Input("open_interest", days=1),
        Input("price_bars", days=1),
        Input("instruments"),
    ),
    time_column="hour_utc",
    may_be_empty=True,
    checks=(
        Check("has_reason", "A gap must have a reason, or nobody can close it.", pl.col("reason").str.len_chars() > 0),
    ),
)
