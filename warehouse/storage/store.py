"""Tables on disk: hive-partitioned Parquet files, replaced atomically."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from expectations.contract import Table
from warehouse.errors import UserError
from warehouse.storage import quarantine
from warehouse.storage.atomic import hidden_beside, replace, replace_durably
from warehouse.storage.files import footer_of, read_files
from warehouse.storage.layout import FILE, Key, home, key_of, label, path_of
from warehouse.storage.parquet import BuiltFrom, Footer, write_file

SCHEMA_VERSION = 4


@dataclass(frozen=True)
class Store:
    """The Parquet files under `root`.

    Partitions missing here are read from `base`, if given: a stage on top of the published tables.
    """

    root: Path
    base: Store | None = None

    def path(self, table: Table, key: Key) -> Path:
        """Return the path of the partition's file, whether or not it exists."""
        return path_of(self.root, table, key)

    def find(self, table: Table, key: Key) -> Path | None:
        """Return the partition's file, here or in `base`; None if there is none."""
        here = self.path(table, key)
        if here.is_file():
            return here
        return self.base.find(table, key) if self.base else None

    def read(self, table: Table, keys: Iterable[Key], columns: list[str] | None = None) -> pl.DataFrame:
        """Read the partitions `keys` (absent ones are empty) in the files' order, with the partition columns."""
        files = {path: key for key in keys if (path := self.find(table, key))}
        frames = read_files(table, files, columns)
        schema = table.schema if columns is None else pl.Schema({c: table.schema[c] for c in columns})
        return pl.concat(frames) if frames else pl.DataFrame(schema=schema)

    def keys(self, table: Table, **fixed: object) -> list[dict[str, object]]:
        """Return the existing partitions that match `fixed`, in order."""
        pattern = "/".join(f"{c}={fixed.get(c, '*')}" for c in table.partition)
        folder = home(self.root, table)
        here = {p.parent.relative_to(folder).as_posix() for p in folder.glob(f"{pattern}/{FILE}" if pattern else FILE)}
        found = [key_of(table, "" if text == "." else text) for text in sorted(here)]
        below = self.base.keys(table, **fixed) if self.base else []
        by_label = {label(table, key): key for key in (*below, *found)}
        return [by_label[text] for text in sorted(by_label)]

    def footer(self, table: Table, key: Key) -> Footer | None:
        """Return the provenance of a partition, here or in `base`; None if there is no file."""
        path = self.find(table, key)
        return None if path is None else footer_of(path)

    def write(
        self,
        table: Table,
        frame: pl.DataFrame,
        key: Key,
        units: Mapping[str, BuiltFrom] | None = None,
        products: Mapping[str, str] | None = None,
    ) -> str:
        """Replace the partition's file atomically and return the digest of its rows.

        Readers see the old file or the new one, never a mix. `frame` is in the table's order, as a build returns it.
        """
        path = self.path(table, key)
        shaped = table.shape(frame).select(list(table.file_schema))
        path.parent.mkdir(parents=True, exist_ok=True)
        hidden = hidden_beside(path)
        content = write_file(shaped, hidden, units or {}, products)
        # no fsync in a stage: after a crash it is built again, and its files are fsynced on publication
        (replace if self.base else replace_durably)(hidden, path)
        return content

    def is_staged(self, table: Table, key: Key) -> bool:
        """Return whether this is a stage that has the partition itself."""
        return self.base is not None and self.path(table, key).is_file()

    def quarantined(self, table: Table, key: Key) -> bool:
        """Return whether a newer version of the partition than the published one is quarantined."""
        return quarantine.is_held((self.base or self).root, table, key)

    def write_partitions(self, table: Table, frame: pl.DataFrame) -> None:
        """Write each partition that occurs in `frame`."""
        if not table.partition:
            self.write(table, table.conform(frame), {})
            return
        by_key = table.conform(frame).partition_by(list(table.partition), as_dict=True, maintain_order=True)
        for values, rows in by_key.items():
            self.write(table, rows, dict(zip(table.partition, values, strict=True)))


def open_store(root: Path, source: str, *, create: bool) -> Store:
    """Open the warehouse at `root`.

    Raises UserError if it is missing, read-only, or has another schema version or source.
    """
    marker = root / "warehouse.json"
    if not marker.is_file():
        if not create:
            raise UserError(f"there is no warehouse at {root}; create one with: liq run")
        _create(root, marker, source)
    try:
        attributes = json.loads(marker.read_text())
        schema, holds = int(attributes["schema"]), str(attributes["source"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{marker} is damaged; restore it or start with an empty folder") from error
    if schema != SCHEMA_VERSION:
        raise UserError(
            f"the warehouse at {root} has schema {schema}, this version writes {SCHEMA_VERSION}; "
            "keep its raw folder and rebuild the rest in a new LIQ_WAREHOUSE"
        )
    if create and holds != source:
        raise UserError(
            f"the warehouse at {root} holds {holds} data, not {source}; set LIQ_WAREHOUSE to another folder"
        )
    if create and not os.access(root, os.W_OK):
        raise UserError(f"the warehouse at {root} is read-only; make it writable or set LIQ_WAREHOUSE")
    return Store(root)


def _create(root: Path, marker: Path, source: str) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
        hidden = marker.with_suffix(".tmp")
        hidden.write_text(json.dumps({"schema": SCHEMA_VERSION, "source": source}) + "\n")
        replace_durably(hidden, marker)
    except OSError as error:
        raise UserError(
            f"cannot create a warehouse at {root}: {error.strerror}; set LIQ_WAREHOUSE to another folder"
        ) from error
