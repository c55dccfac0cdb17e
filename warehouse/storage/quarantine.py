"""The quarantine: partitions that failed a check, each with its reason, until a valid one is published."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from expectations.contract import Table
from warehouse.storage import layout
from warehouse.storage.atomic import replace_durably
from warehouse.storage.layout import Key, path_of

_REASON = "reason.txt"


def hold(root: Path, table: Table, key: Key, staged: Path, reason: str) -> Path:
    """Move a staged file to the quarantine with its reason. Return its folder there."""
    held = path_of(layout.quarantine(root), table, key)
    held.parent.mkdir(parents=True, exist_ok=True)
    replace_durably(staged, held)
    (held.parent / _REASON).write_text(reason + "\n")
    return held.parent


def is_held(root: Path, table: Table, key: Key) -> bool:
    """Return whether a partition is quarantined."""
    return path_of(layout.quarantine(root), table, key).is_file()


def holds_core_of(root: Path, day: date) -> bool:
    """Return whether core rows of a day are quarantined, for any coin."""
    return next((layout.quarantine(root) / "core").glob(f"*/coin=*/date={day}"), None) is not None


def release(root: Path, name: str) -> None:
    """Delete the quarantined version of a partition, named by its path, since a valid one is published."""
    shutil.rmtree(layout.quarantine(root) / Path(name).parent, ignore_errors=True)


def reasons(root: Path) -> Iterator[tuple[str, str]]:
    """Yield each quarantined partition by its path, with the reason."""
    home = layout.quarantine(root)
    for path in sorted(home.rglob(_REASON)):
        yield path.parent.relative_to(home).as_posix(), path.read_text().strip()
