"""The rows of ops.partitions: the provenance of published partitions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime

import polars as pl

from expectations.contract import Table
from expectations.tables import table
from transforms.tables import partitions
from warehouse.storage.layout import Key, label
from warehouse.storage.parquet import Footer
from warehouse.storage.staging import Stage
from warehouse.storage.store import Store

PARTITIONS = table("partitions")


def record_partitions(stage: Stage, now: datetime) -> None:
    """Stage the provenance of every staged partition that differs from the published one, replacing earlier rows."""
    changed: dict[str, list[dict[str, object]]] = {}
    for of, key in list(stage.staged()):
        if stage.changed(of, key):
            changed.setdefault(of.name, []).extend(_entries(stage, of, key, now))
    for name, entries in changed.items():
        if entries:
            own, new = {"table_name": name}, partitions.build(entries)
            known = stage.store.read(PARTITIONS, [own]).join(new, on="partition", how="anti")
            stage.store.write(PARTITIONS, PARTITIONS.conform(pl.concat([known, new])), own)


def published_files(store: Store) -> dict[str, int]:
    """Return the modification time of each file of ops.partitions; a change means that a run has published."""
    paths = (store.path(PARTITIONS, key) for key in store.keys(PARTITIONS))
    return {path.parent.name: path.stat().st_mtime_ns for path in paths}


def _entries(stage: Stage, of: Table, key: Key, now: datetime) -> Iterator[dict[str, object]]:
    footer = stage.store.footer(of, key) or Footer()
    for day, built_from in footer.units.items():
        yield {
            "table_name": of.name,
            "partition": label(of, key),
            "built_day": date.fromisoformat(day) if day else now.date(),
            "content_digest": footer.content,
            "built_from": json.dumps(built_from, sort_keys=True),
            "published_at_utc": now,
        }
