"""Stages: the folders in which runs build, and the atomic publication of their files."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from expectations.contract import Table
from expectations.tables import load
from warehouse.storage import quarantine
from warehouse.storage.atomic import fsync, replace_durably, sweep
from warehouse.storage.layout import FILE, Key
from warehouse.storage.store import Store

JOURNAL = "journal.json"
_WRITTEN_IN_PLACE = (
    "raw/payloads",
    "ops/fetches",
    "ops/runs",
)  # all other tables are staged and moved on publication


@dataclass(frozen=True)
class Stage:
    """The folder in which a run builds, and which is checked before publication.

    Files are published all together: a journal is written first, then the files are moved.
    """

    published: Store
    name: str

    @property
    def home(self) -> Path:
        """The stage's folder, on the same file system as the published tables."""
        return self.published.root / ".staging" / self.name

    @property
    def store(self) -> Store:
        """The store that reads staged partitions, else published ones, and writes to the stage."""
        return Store(self.home / "tables", base=self.published)

    def staged(self) -> Iterator[tuple[Table, dict[str, object]]]:
        """Yield each staged partition."""
        own = Store(self.home / "tables")
        for table in load().values():
            for key in own.keys(table):
                yield table, key

    def empty(self) -> None:
        """Delete all staged partitions."""
        shutil.rmtree(self.home / "tables", ignore_errors=True)

    def changed(self, table: Table, key: Key) -> bool:
        """Return whether the staged file differs from the published one."""
        old, new = self.published.path(table, key), Store(self.home / "tables").path(table, key)
        if not old.is_file() or old.stat().st_size != new.stat().st_size:
            return True
        return old.read_bytes() != new.read_bytes()

    def quarantine(self, table: Table, key: Key, reason: str) -> Path:
        """Quarantine a staged partition with its reason. The published version stays."""
        staged = Store(self.home / "tables").path(table, key)
        return quarantine.hold(self.published.root, table, key, staged, reason)

    def publish(self) -> Counter[str]:
        """Publish every staged partition that changed, and return their number by table.

        If the process is killed at any moment, `recover` finishes the publication.
        """
        own = Store(self.home / "tables")
        moved: dict[str, str] = {}
        for table, key in self.staged():
            name = own.path(table, key).relative_to(own.root).as_posix()
            if self.changed(table, key):
                moved[name] = table.full_name
            else:
                quarantine.release(self.published.root, name)
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
    """Open a stage that only this run writes to, and delete it at the end of the block."""
    stage = Stage(published, f"{name}-{uuid4().hex[:8]}")
    with _owned(stage.home):
        try:
            yield stage
        finally:
            if not (stage.home / JOURNAL).is_file():  # otherwise `recover` finishes its publication
                shutil.rmtree(stage.home, ignore_errors=True)


@contextmanager
def _owned(home: Path) -> Iterator[None]:
    """Hold the lock of a stage. Raises Timeout while the process that opened it is alive."""
    home.parent.mkdir(parents=True, exist_ok=True)
    lock = home.with_name(f"{home.name}.lock")
    with FileLock(lock, timeout=0):
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def others_at_work(published: Store, own: Stage | None = None) -> bool:
    """Return whether another stage is open: its run may be about to read published state."""
    mine = own.home if own else None
    for home in {path.with_suffix("") for path in (published.root / ".staging").glob("*")} - {mine}:
        try:
            with _owned(home):
                continue
        except Timeout:
            return True
    return False


def recover(published: Store) -> None:
    """Finish interrupted publications and delete the stages of dead processes."""
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
        quarantine.release(root, name)
    shutil.rmtree(home)


def sweep_temporary(root: Path) -> None:
    """Delete temporary files of killed writers in the warehouse."""
    for table in _WRITTEN_IN_PLACE:
        sweep((root / table).rglob(f".{FILE}.*.tmp"))
    sweep(root.glob(".catalog.*.tmp"))
    for leftover in root.glob(".catalog.*.tmp.wal"):
        if not leftover.with_suffix("").exists():
            leftover.unlink(missing_ok=True)
