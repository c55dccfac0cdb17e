"""Contract of ops.watermark."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Table

TABLE = Table(
    name="watermark",
    layer="ops",
    kind="log",
    doc="The last hour that is published in full: views of hourly tables stop here, so that all speak of the same "
    "hour.",
    grain=("hour_utc",),
    columns=pick("hour_utc", "source"),
    partition=(),
    checks=(Check("one_row", "There is one last hour.", pl.len() == 1),),
)
