"""Stages: where a run builds, and the gate through which files are published, all together."""

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
)  # all else is staged, and moved when it is whole


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
        staged = Store(self.home / "tables").path(table, key)
        return quarantine.hold(self.published.root, table, key, staged, reason)

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
        quarantine.release(root, name)
    shutil.rmtree(home)


def sweep_temporary(root: Path) -> None:
    """Removes hidden files that a killed writer left behind in the warehouse."""
    for table in _WRITTEN_IN_PLACE:
        sweep((root / table).rglob(f".{FILE}.*.tmp"))
    sweep(root.glob(".catalog.*.tmp"))
    for leftover in root.glob(".catalog.*.tmp.wal"):
        if not leftover.with_suffix("").exists():
            leftover.unlink(missing_ok=True)
