"""The layout of the folder: where a table's partitions are, and where those are that a check holds back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from expectations.contract import Table

Key = Mapping[str, object]
FILE = "data.parquet"


def home(root: Path, table: Table) -> Path:
    """The folder of a table."""
    return root / table.layer / table.name


def quarantine(root: Path) -> Path:
    """The folder of what is held back; within it partitions lie as in the warehouse."""
    return root / "quarantine"


def label(table: Table, key: Key) -> str:
    """A partition as in its path: `coin=BTC/date=2026-01-05`; empty for a table of one file."""
    return "/".join(f"{column}={key[column]}" for column in table.partition)


def key_of(table: Table, text: str) -> dict[str, object]:
    """The inverse of `label`."""
    parts = dict(part.split("=", 1) for part in text.split("/") if part)
    return {c: date.fromisoformat(parts[c]) if c == "date" else parts[c] for c in table.partition}


def path_of(root: Path, table: Table, key: Key) -> Path:
    """The path of a partition's one file, whether or not it exists."""
    return root / f"{table.layer}/{table.name}/{label(table, key)}/{FILE}"
