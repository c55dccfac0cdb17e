"""Contract of ops.watermark."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Table

TABLE = Table(
    name="watermark",
    layer="ops",
    kind="log",
    doc="Last hour that is published in full. Views of hourly tables end here, so that all tables show the same last "
    "hour.",
    grain=("hour_utc",),
    columns=pick("hour_utc", "source"),
    partition=(),
    checks=(Check("one_row", "There is exactly one last hour.", pl.len() == 1),),
)
