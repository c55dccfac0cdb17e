"""Contract of ops.partitions."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Table

TABLE = Table(
    name="partitions",
    layer="ops",
    kind="log",
    doc="Every partition as it was last published, with its provenance: a digest of its rows, and for each day that "
    "was built into it a digest of each input, of the contract and of the code, and the parameters. The same stands in "
    "the footer of its file, which is what decides whether it is stale: `liq doctor` compares it with what is there "
    "now.",
    grain=("partition", "built_day"),
    columns=pick("table_name", "partition", "built_day", "content_digest", "built_from", "published_at_utc"),
    partition=("table_name",),
    time_column="published_at_utc",
    checks=(
        Check(
            "says_what_it_was_built_from",
            "A partition without provenance would be built again by every run.",
            pl.col("built_from").str.starts_with('{"'),
        ),
    ),
)
