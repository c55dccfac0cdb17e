"""Contract of core.realised_coverage."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

TABLE = Table(
    name="realised_coverage",
    layer="core",
    kind="reported",
    doc="Hours for which an exchange's realised liquidations are known. The published list was read in full, every "
    "page and before the exchange dropped it, or the stream was recorded throughout; of two feeds the better one "
    "counts. A stream with up to 60 seconds missing is `sampled`; with more missing the hour does not count. If "
    "the exchange's own feed is only a sample, an import declared complete counts. A covered hour without events "
    "was quiet, as far as `completeness` goes; an hour without a row is unknown.",
    grain=("exchange", "instrument", "hour_utc"),
    columns=pick("exchange", "instrument", "coin", "date", "hour_utc", "completeness", "source"),
    inputs=(Input("payloads", days=1, required=True), Input("instruments")),
    time_column="hour_utc",
    may_be_empty=True,
    checks=(
        Check(
            "full_hours",
            "Coverage is recorded by full hours: `hour_utc` must be on the hour.",
            pl.col("hour_utc").dt.truncate("1h") == pl.col("hour_utc"),
        ),
    ),
)
