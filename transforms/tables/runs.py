"""ops.runs: pipeline runs, from the log's entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from expectations.tables import table

TABLE = table("runs")


def build(entries: Iterable[Mapping[str, object]]) -> pl.DataFrame:
    """Return one row per entry; an entry's keys are the table's columns."""
    return TABLE.conform(pl.DataFrame(list(entries), schema=TABLE.schema, orient="row"))
