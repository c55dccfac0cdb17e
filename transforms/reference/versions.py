"""Slowly changing tables: a new version starts when an observation differs from the current one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from expectations.contract import Table

_KEY = ["exchange", "instrument"]


def append_versions(table: Table, known: pl.DataFrame, observed: pl.DataFrame) -> pl.DataFrame:
    """Add a version to `known` for each instrument whose `observed` rows differ from its current one.

    All rows of one instrument and moment (`valid_from_utc`) form one version. An instrument that is not observed keeps
    its version.
    """
    for moment in observed["valid_from_utc"].unique().sort().to_list():
        known = _observe(table, known, observed.filter(pl.col("valid_from_utc") == moment), moment)
    return table.conform(known)


def _observe(table: Table, known: pl.DataFrame, now: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    columns = [c.name for c in table.columns if not c.name.startswith("valid_")]
    now = now.select(columns)
    is_current = (pl.col("valid_from_utc") <= moment) & (
        pl.col("valid_to_utc").is_null() | (pl.col("valid_to_utc") > moment)
    )
    current = known.filter(is_current).select(columns)
    new = now.join(current, on=columns, how="anti", nulls_equal=True).select(_KEY)
    gone = current.join(now, on=columns, how="anti", nulls_equal=True).select(_KEY).join(now, on=_KEY, how="semi")
    differing = pl.concat([new, gone]).unique()
    if differing.is_empty():
        return known
    unchanged = known.join(differing, on=_KEY, how="anti")
    past = known.join(differing, on=_KEY, how="semi").filter(pl.col("valid_from_utc") < moment)
    ends = pl.min_horizontal("valid_to_utc", pl.lit(moment, dtype=table.schema["valid_to_utc"]))
    closed = past.with_columns(ends.alias("valid_to_utc"))
    added = now.join(differing, on=_KEY, how="semi").with_columns(
        pl.lit(moment, dtype=table.schema["valid_from_utc"]).alias("valid_from_utc"),
        pl.lit(None, dtype=table.schema["valid_to_utc"]).alias("valid_to_utc"),
    )
    return pl.concat([table.conform(f) for f in (unchanged, closed, added)])


def as_of(versions: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """Return the versions valid at `moment`; before the first known version, the first one."""
    first = pl.col("valid_from_utc") == pl.col("valid_from_utc").min().over(_KEY)
    started = (pl.col("valid_from_utc") <= moment) | first
    return versions.filter(started & (pl.col("valid_to_utc").is_null() | (pl.col("valid_to_utc") > moment)))


def in_force(versions: pl.DataFrame, of: Sequence[str], first: datetime, last: datetime) -> pl.DataFrame:
    """Return the versions of each key `of` valid at some moment in [first, last), as they were known then.

    A version is valid until the next begins; the first known one is valid before its start too. An end at `last` or
    later is null, as it was then.
    """
    began = pl.col("valid_from_utc")
    spans = versions.select(*of, began).unique().sort(*of, began)
    ends = spans.with_columns(
        began.shift(-1).over(of).alias("next_utc"), (began == began.min().over(of)).alias("is_first")
    )
    holds = (pl.col("is_first") | (began < last)) & (pl.col("next_utc").is_null() | (pl.col("next_utc") > first))
    held = versions.join(ends.filter(holds), on=[*of, "valid_from_utc"], maintain_order="left")
    if "valid_to_utc" in versions.columns:
        held = held.with_columns(pl.when(pl.col("valid_to_utc") < last).then("valid_to_utc").alias("valid_to_utc"))
    return held.select(versions.columns)
