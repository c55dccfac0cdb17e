"""Contract of core.positioning."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

_READINGS = ("long_account_share", "top_long_account_share", "top_long_position_share", "funding_rate")

TABLE = Table(
    name="positioning",
    layer="core",
    kind="reported",
    doc="Long/short account and position ratios, and funding rates, as published; null if the exchange does not "
    "publish the reading.",
    grain=("exchange", "instrument", "time_utc"),
    columns=pick("exchange", "instrument", "coin", "date", "time_utc", *_READINGS, "source"),
    inputs=(Input("payloads", days=1, required=True), Input("instruments"), Input("price_bars", days=1)),
    nullable=frozenset(_READINGS),
    time_column="time_utc",
    may_be_empty=True,
    checks=(
        Check(
            "has_a_reading",
            "A row needs at least one reading; a row without any is an empty response parsed as data.",
            pl.any_horizontal(pl.col(c).is_not_null() for c in _READINGS),
        ),
    ),
)
