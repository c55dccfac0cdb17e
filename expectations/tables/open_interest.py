"""Contract of core.open_interest."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

_OFF = (pl.col("open_interest_usd") / pl.col("open_interest_base") / pl.col("mark_price") - 1).abs()
_EMPTY = (pl.col("open_interest_base") == 0) | pl.col("mark_price").is_null()

TABLE = Table(
    name="open_interest",
    layer="core",
    kind="reported",
    doc="Open interest as published, with its unit and the sides it counts, and normalised to one side in coins and "
    "in dollars. Exchanges that do not state the number of sides are assumed to count one.",
    grain=("exchange", "instrument", "time_utc"),
    columns=pick(
        "exchange",
        "instrument",
        "coin",
        "date",
        "time_utc",
        "origin",
        "reported",
        "reported_unit",
        "sides_counted",
        "open_interest_base",
        "open_interest_usd",
        "mark_price",
        "source",
    ),
    inputs=(Input("payloads", days=1, required=True), Input("instruments"), Input("price_bars", days=1)),
    nullable=frozenset({"sides_counted", "mark_price", "open_interest_usd"}),
    time_column="time_utc",
    fresh_within_hours=1,
    checks=(
        Check(
            "value_within_10pct_of_mark",
            "Reported dollars differ from coins times mark by 10 % or more: likely a wrong unit or contract "
            "size, both sides counted, or demo data.",
            (_EMPTY | (_OFF < 0.10)).fill_null(True),
        ),
        Check(
            "value_within_2pct_of_mark",
            "Reported dollars differ from coins times mark by 2 % or more: likely a stale row, or a bar too long "
            "to compare with.",
            (_EMPTY | (_OFF < 0.02)).fill_null(True),
            severity="WARN",
        ),
    ),
)
