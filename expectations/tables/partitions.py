"""Contract of ops.partitions."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Table

TABLE = Table(
    name="partitions",
    layer="ops",
    kind="log",
    doc="Every published partition with its provenance: a digest of its rows, and for each day built into it the "
    "digests of inputs, contract and code, and the parameters. The file's footer has the same and alone decides "
    "whether the partition is stale; `liq doctor` compares it with the current state.",
    grain=("partition", "built_day"),
    columns=pick("table_name", "partition", "built_day", "content_digest", "built_from", "published_at_utc"),
    partition=("table_name",),
    time_column="published_at_utc",
    checks=(
        Check(
            "has_provenance",
            "A partition without provenance is rebuilt by every run.",
            pl.col("built_from").str.starts_with('{"'),
        ),
    ),
)
