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
    doc="Every hour that was asked for and is not there as reported: missing, carried from some minutes "
    "before its end, or derived from something else, and why. What the map carries over a missing hour is marked "
    "`is_stale` there.",
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
    checks=(Check("says_why", "A gap without a reason cannot be closed.", pl.col("reason").str.len_chars() > 0),),
)
