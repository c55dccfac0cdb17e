"""The folder layout: paths of partitions and of quarantined partitions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from expectations.contract import Table

Key = Mapping[str, object]
FILE = "data.parquet"


def home(root: Path, table: Table) -> Path:
    """Return the folder of a table."""
    return root / table.layer / table.name


def quarantine(root: Path) -> Path:
    """Return the quarantine folder, which has the layout of the warehouse."""
    return root / "quarantine"


def label(table: Table, key: Key) -> str:
    """Return a partition as in its path, e.g. `coin=BTC/date=2026-01-05`; empty for a table of one file."""
    return "/".join(f"{column}={key[column]}" for column in table.partition)


def key_of(table: Table, text: str) -> dict[str, object]:
    """Parse a partition's label; the inverse of `label`."""
    parts = dict(part.split("=", 1) for part in text.split("/") if part)
    return {c: date.fromisoformat(parts[c]) if c == "date" else parts[c] for c in table.partition}


def path_of(root: Path, table: Table, key: Key) -> Path:
    """Return the path of a partition's file, whether or not it exists."""
    return root / f"{table.layer}/{table.name}/{label(table, key)}/{FILE}"
