"""Contract of core.realised_coverage."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

TABLE = Table(
    name="realised_coverage",
    layer="core",
    kind="reported",
    doc="The hours of which an exchange's list of realised liquidations was read in full, every page and while the exchange "
    "still kept it, or whose stream was listened to all through; of two feeds the better one counts. A stream of "
    "which up to 60 seconds are missing is `sampled`, one of which more is missing does not count. Where the "
    "exchange's own is no more than a sample, an import counts that was said to be complete. An hour that is here "
    "without an event was quiet, as far as `completeness` goes; one that is not here is unknown.",
    grain=("exchange", "instrument", "hour_utc"),
    columns=pick("exchange", "instrument", "coin", "date", "hour_utc", "completeness", "source"),
    inputs=(Input("payloads", days=1, required=True), Input("instruments")),
    time_column="hour_utc",
    may_be_empty=True,
    checks=(
        Check(
            "full_hours",
            "An hour is covered whole or not: a part of one would pass for all of it.",
            pl.col("hour_utc").dt.truncate("1h") == pl.col("hour_utc"),
        ),
    ),
)
