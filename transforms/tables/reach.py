"""ops.reach: the latest finding of each venue, series and interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from expectations.tables import table

TABLE = table("reach")


def build(entries: Iterable[Mapping[str, object]]) -> pl.DataFrame:
    """One row a venue, series and interval; keys are the table's columns, and of several entries the last stands."""
    rows = pl.DataFrame(list(entries), schema=TABLE.schema, orient="row")
    return TABLE.conform(rows.unique(TABLE.grain, keep="last").sort(TABLE.grain))
