"""core.instruments: contracts as listed, one row per version."""

from __future__ import annotations

import polars as pl

from expectations.tables import table
from transforms.exchanges.replay import rows
from transforms.reference.versions import append_versions

TABLE = table("instruments")


def build(payloads: pl.DataFrame, instruments: pl.DataFrame) -> pl.DataFrame:
    """Add the contracts listed in `payloads` to the known versions in `instruments`."""
    listed = rows(payloads, "instruments").with_columns(
        pl.col("status").alias("trading_status"),
        pl.from_epoch("listed_ms", "ms").cast(TABLE.schema["listed_utc"]).alias("listed_utc"),
        pl.col("received_at_utc").alias("valid_from_utc"),
        pl.col("unit_multiplier").fill_null(1.0),
        pl.lit(None, dtype=TABLE.schema["valid_to_utc"]).alias("valid_to_utc"),
    )
    unique = listed.unique(["exchange", "instrument", "valid_from_utc"], keep="last", maintain_order=True)
    return append_versions(TABLE, instruments, unique.select(list(TABLE.schema)))
