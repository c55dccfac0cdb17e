"""Re-checks of published partitions, for files changed since and for checks added since."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from expectations.contract import PERIODS, Table
from expectations.tables import load
from expectations.validation.counts import Count, count
from warehouse.clock import parse_hour
from warehouse.errors import UserError
from warehouse.storage.layout import Key, label
from warehouse.storage.store import Store

if TYPE_CHECKING:
    from warehouse.progress import Progress

_SCHEMA = {
    "table_name": pl.String(), "partition": pl.String(), "check_name": pl.String(), "severity": pl.String(),
    "passed": pl.Boolean(), "failing_rows": pl.Int64(), "reason": pl.String(),
}  # fmt: skip


def recheck(
    store: Store, first: str | None, last: str | None, progress: Progress, docs: Path | None = None
) -> pl.DataFrame:
    """Return a row for each check of each published partition from `first` to `last`; write pages of them to `docs`.

    Raises UserError if nothing is published in that time, or if `docs` cannot be written.
    """
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    from expectations.validation import gx

    begin = parse_hour(first).date() if first else date.min
    end = parse_hour(last).date() if last else date.max
    jobs = [job for table in load().values() for job in _jobs(store, table, begin, end)]
    if not any("date" in table.partition for table, _ in jobs):
        raise UserError(f"nothing is published in {store.root} in that time; see the time ranges with: liq tables")
    if docs:
        _write(docs, {})  # fail before the work if the folder cannot be created
    progress.stage("check", len(jobs), "tables")
    counts: list[Count] = []
    for table, keys in jobs:
        counts += count(table, store.read(table, keys), partitions=[label(table, key) for key in keys])
        progress.step(table.full_name)
    if docs:
        _write(docs, gx.docs(counts))
    return pl.DataFrame([asdict(r) for r in gx.decide(counts)], schema=_SCHEMA)


def _write(folder: Path, pages: Mapping[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, page in pages.items():
            (folder / name).write_text(page, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror}); give another folder to --docs") from error


def failing(results: pl.DataFrame) -> int:
    """Count the failed blocking checks."""
    return results.filter(~pl.col("passed") & (pl.col("severity") == "FAIL")).height


def _jobs(store: Store, table: Table, begin: date, end: date) -> Iterator[tuple[Table, list[Key]]]:
    """Yield the partitions to read together: all days of a coin, since some checks compare consecutive days."""
    together: dict[tuple[object, ...], list[Key]] = {}
    for key in store.keys(table):
        day = key.get("date")
        if not isinstance(day, date) or begin <= day <= end:
            together.setdefault(tuple(value for name, value in key.items() if name not in PERIODS), []).append(key)
    yield from ((table, keys) for keys in together.values())
