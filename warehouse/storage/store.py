"""Tables on disk: hive-partitioned Parquet, a file replaced whole, and the gate through which files are published."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

import polars as pl
import pyarrow as pa
from filelock import FileLock, Timeout

from expectations.contract import Table
from expectations.tables import load
from warehouse.errors import UserError
from warehouse.storage.atomic import fsync, hidden_beside, replace, replace_durably, sweep
from warehouse.storage.parquet import BuiltFrom, Footer, read_footer, write_file

Key = Mapping[str, object]
FILE = "data.parquet"
JOURNAL = "journal.json"
SCHEMA_VERSION = 2
_WRITTEN_IN_PLACE = (
    "raw/payloads",
    "ops/fetches",
    "ops/runs",
)  # all else is staged, and moved when it is whole


def label(table: Table, key: Key) -> str:
    """A partition as in its path: `coin=BTC/date=2026-01-05`; empty for a table of one file."""
    return "/".join(f"{column}={key[column]}" for column in table.partition)


def key_of(table: Table, text: str) -> dict[str, object]:
    """The inverse of `label`."""
    parts = dict(part.split("=", 1) for part in text.split("/") if part)
    return {c: date.fromisoformat(parts[c]) if c == "date" else parts[c] for c in table.partition}


@dataclass(frozen=True)
class Store:
    """Parquet files under `root`.

    Given a `base`, what is not here is read from there: a stage over what is published.
    """

    root: Path
    base: Store | None = None

    def path(self, table: Table, key: Key) -> Path:
        """Where the partition's one file is, whether or not it exists."""
        parts = (table.layer, table.name, *(f"{column}={key[column]}" for column in table.partition), FILE)
        return self.root / "/".join(parts)

    def find(self, table: Table, key: Key) -> Path | None:
        """The partition's file, here or below; None when there is none."""
        here = self.path(table, key)
        if here.is_file():
            return here
        return self.base.find(table, key) if self.base else None

    def read(self, table: Table, keys: Iterable[Key], columns: list[str] | None = None) -> pl.DataFrame:
        """All rows of the partitions `keys` (absent ones are empty) in the files' order, partition columns included."""
        there = {path: key for key in keys if (path := self.find(table, key))}
        frames = read_files(table, there, columns)
        schema = table.schema if columns is None else pl.Schema({c: table.schema[c] for c in columns})
        return pl.concat(frames) if frames else pl.DataFrame(schema=schema)

    def keys(self, table: Table, **fixed: object) -> list[dict[str, object]]:
        """The partitions there are, in order, narrowed to those that agree with `fixed`."""
        pattern = "/".join(f"{c}={fixed.get(c, '*')}" for c in table.partition)
        home = self.root / table.layer / table.name
        here = {p.parent.relative_to(home).as_posix() for p in home.glob(f"{pattern}/{FILE}" if pattern else FILE)}
        found = [key_of(table, "" if text == "." else text) for text in sorted(here)]
        below = self.base.keys(table, **fixed) if self.base else []
        by_label = {label(table, key): key for key in (*below, *found)}
        return [by_label[text] for text in sorted(by_label)]

    def footer(self, table: Table, key: Key) -> Footer | None:
        """The provenance of a partition, here or below; None when there is no file."""
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
        """Replace the partition's file whole and return the digest of its rows.

        A reader sees the old file or the new one, never a part. `frame` is in the table's order, as a build returns it.
        """
        path = self.path(table, key)
        shaped = table.shape(frame).select(list(table.file_schema))
        path.parent.mkdir(parents=True, exist_ok=True)
        hidden = hidden_beside(path)
        content = write_file(shaped, hidden, units or {}, products)
        # a stage that a crash cuts short is made again: what it holds is made to last when it is published
        (replace if self.base else replace_durably)(hidden, path)
        return content

    def is_staged(self, table: Table, key: Key) -> bool:
        """Whether this is a stage, and has the partition itself."""
        return self.base is not None and self.path(table, key).is_file()

    def quarantined(self, table: Table, key: Key) -> bool:
        """Whether a check holds back a partition that was made since the one that is published."""
        store = self.base or self
        return (store.root / "quarantine" / table.layer / table.name / label(table, key) / FILE).is_file()

    def write_partitions(self, table: Table, frame: pl.DataFrame) -> None:
        """Writes each partition that `frame` has rows of."""
        if not table.partition:
            self.write(table, table.conform(frame), {})
            return
        by_key = table.conform(frame).partition_by(list(table.partition), as_dict=True, maintain_order=True)
        for values, rows in by_key.items():
            self.write(table, rows, dict(zip(table.partition, values, strict=True)))


@dataclass(frozen=True)
class Stage:
    """Where a run builds before it is checked.

    Published all together: the journal is written first, then files move.
    """

    published: Store
    name: str

    @property
    def home(self) -> Path:
        """The stage's own folder, in the same file system as what is published."""
        return self.published.root / ".staging" / self.name

    @property
    def store(self) -> Store:
        """Reads what is staged, else what is published; writes to the stage."""
        return Store(self.home / "tables", base=self.published)

    def staged(self) -> Iterator[tuple[Table, dict[str, object]]]:
        """Each staged partition."""
        own = Store(self.home / "tables")
        for table in load().values():
            for key in own.keys(table):
                yield table, key

    def empty(self) -> None:
        """Forget everything that is staged."""
        shutil.rmtree(self.home / "tables", ignore_errors=True)

    def changed(self, table: Table, key: Key) -> bool:
        """Whether the staged file differs from the published one."""
        old, new = self.published.path(table, key), Store(self.home / "tables").path(table, key)
        if not old.is_file() or old.stat().st_size != new.stat().st_size:
            return True
        return old.read_bytes() != new.read_bytes()

    def quarantine(self, table: Table, key: Key, reason: str) -> Path:
        """Moves a staged partition out of the way, with its reason beside it. What was published stays."""
        held = self.published.root / "quarantine" / table.layer / table.name / label(table, key)
        held.mkdir(parents=True, exist_ok=True)
        replace_durably(Store(self.home / "tables").path(table, key), held / FILE)
        (held / "reason.txt").write_text(reason + "\n")
        return held

    def publish(self) -> Counter[str]:
        """Publish every staged partition that changed, and return how many by table.

        Killed at any moment, `recover` finishes it.
        """
        own = Store(self.home / "tables")
        moved: dict[str, str] = {}
        for table, key in self.staged():
            name = own.path(table, key).relative_to(own.root).as_posix()
            if self.changed(table, key):
                moved[name] = table.full_name
            else:
                _release(self.published.root, name)
        for name in moved:
            fsync(own.root / name)
        journal = self.home / JOURNAL
        hidden = journal.with_suffix(".tmp")
        hidden.parent.mkdir(parents=True, exist_ok=True)
        hidden.write_text(json.dumps(list(moved)))
        replace_durably(hidden, journal)
        _move(self.home, self.published.root, list(moved))
        return Counter(moved.values())


@contextmanager
def staging(published: Store, name: str) -> Iterator[Stage]:
    """Open a stage that nobody else writes to, for as long as the block lasts."""
    stage = Stage(published, f"{name}-{uuid4().hex[:8]}")
    with _owned(stage.home):
        try:
            yield stage
        finally:
            if not (stage.home / JOURNAL).is_file():  # else its publication is for `recover` to finish
                shutil.rmtree(stage.home, ignore_errors=True)


@contextmanager
def _owned(home: Path) -> Iterator[None]:
    """Hold the lock of a stage. Raises Timeout while the process that opened it lives."""
    home.parent.mkdir(parents=True, exist_ok=True)
    lock = home.with_name(f"{home.name}.lock")
    with FileLock(lock, timeout=0):
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def others_at_work(published: Store, own: Stage | None = None) -> bool:
    """Whether another stage is being filled: it may be about to read what is published."""
    mine = own.home if own else None
    for home in {path.with_suffix("") for path in (published.root / ".staging").glob("*")} - {mine}:
        try:
            with _owned(home):
                continue
        except Timeout:
            return True
    return False


def recover(published: Store) -> None:
    """Finish publications that were cut short and drop the stages of processes that no longer live."""
    for home in sorted({path.with_suffix("") for path in (published.root / ".staging").glob("*")}):
        with suppress(Timeout), _owned(home):
            journal = home / JOURNAL
            if journal.is_file():
                _move(home, published.root, json.loads(journal.read_text()))
            shutil.rmtree(home, ignore_errors=True)


def _move(home: Path, root: Path, names: list[str]) -> None:
    for name in names:
        staged, target = home / "tables" / name, root / name
        if staged.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            replace_durably(staged, target)
        _release(root, name)
    shutil.rmtree(home)


def _release(root: Path, name: str) -> None:
    """Forgets what was held back of a partition: a good one stands in its place."""
    shutil.rmtree(root / "quarantine" / Path(name).parent, ignore_errors=True)


def sweep_temporary(root: Path) -> None:
    """Removes hidden files that a killed writer left behind in the warehouse."""
    for table in _WRITTEN_IN_PLACE:
        sweep((root / table).rglob(f".{FILE}.*.tmp"))
    sweep(root.glob(".catalog.*.tmp"))
    for leftover in root.glob(".catalog.*.tmp.wal"):
        if not leftover.with_suffix("").exists():
            leftover.unlink(missing_ok=True)


def open_store(root: Path, source: str, *, create: bool) -> Store:
    """The warehouse at `root`.

    Raises UserError when it is missing, read-only, of another schema or of another source.
    """
    marker = root / "warehouse.json"
    if not marker.is_file():
        if not create:
            raise UserError(f"there is no warehouse at {root}; make one with: liq run")
        _create(root, marker, source)
    try:
        about = json.loads(marker.read_text())
        schema, holds = int(about["schema"]), str(about["source"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{marker} is damaged; restore it or start in an empty folder") from error
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
        raise UserError(f"cannot make a warehouse at {root}: {error.strerror}; set LIQ_WAREHOUSE") from error


def read_files(table: Table, files: Mapping[Path, Key], columns: Sequence[str] | None = None) -> list[pl.DataFrame]:
    """The rows of each file, partition columns included. Raises UserError that names a file that cannot be read."""
    wanted = pl.Schema({column: table.schema[column] for column in columns or table.schema})
    scans = [_scan(table, path, key, wanted.names()) for path, key in files.items()]
    try:
        frames = pl.collect_all(scans)  # one by one, small files take three times as long
    except pl.exceptions.PolarsError:
        frames = [_collect(path, scan) for path, scan in zip(files, scans, strict=True)]
    for path, rows in zip(files, frames, strict=True):
        for column, dtype in wanted.items():
            if rows.schema[column] != dtype:
                raise unreadable(path, TypeError(f"{column} is {rows.schema[column]}, not {dtype}"))
    return frames


def _scan(table: Table, path: Path, key: Key, columns: Sequence[str]) -> pl.LazyFrame:
    try:
        # given a path, polars opens it twice, and a file replaced in between is read as torn
        scan = pl.scan_parquet(path.read_bytes(), hive_partitioning=False, use_statistics=False)
    except OSError as error:
        raise unreadable(path, error) from error
    return scan.select(
        pl.lit(key[c], dtype=table.schema[c]).alias(c) if c in table.partition else pl.col(c) for c in columns
    )


def _collect(path: Path, scan: pl.LazyFrame) -> pl.DataFrame:
    try:
        return scan.collect()
    except pl.exceptions.PolarsError as error:
        raise unreadable(path, error) from error


def version_of(path: Path) -> tuple[int, int]:
    """Return what tells a file from the one it replaces. Raises UserError where there is none."""
    try:
        about = path.stat()
    except OSError as error:
        raise unreadable(path, error) from error
    return about.st_ino, about.st_mtime_ns


def footer_of(path: Path) -> Footer:
    """Return the provenance in a file's footer. Raises UserError for a file that cannot be read."""
    return _footer(path, version_of(path))


@lru_cache(maxsize=1 << 16)
def _footer(path: Path, version: tuple[int, int]) -> Footer:
    """Read the footer of one version of a file."""
    try:
        return read_footer(path)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> UserError:
    """The error that names a damaged file, and what to do about it."""
    if isinstance(error, FileNotFoundError):
        return UserError(f"{path} was deleted while it was read; run the same command again")
    return UserError(f"{path} cannot be read ({_first_line(error)}); delete it and run its hours again")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
