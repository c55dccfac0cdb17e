"""Which stretches of a backfill are filled: one that was killed and goes on does not make their tables again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from expectations.tables import load, table
from warehouse.clock import days
from warehouse.plan import Plan
from warehouse.store import Key, Store, replace_durably

_FILE = ".filled.json"
_ASKED = (table("payloads"), table("fetches"))
_REFERENCE = (table("instruments"), table("margin_tiers"))
_MADE = (*(t for t in load().values() if t.layer == "core" and "date" in t.partition), table("gaps"))


def is_filled(store: Store, plan: Plan, names: Sequence[str]) -> bool:
    """Whether the core tables of the plan's hours were made of what is stored now, and are there as they were made."""
    return _known(store.root).get(_about(plan, names)) == _now(store, plan, names)


def note_filled(store: Store, plan: Plan, names: Sequence[str]) -> None:
    """Remembers that they are."""
    path = store.root / _FILE
    hidden = path.with_suffix(".tmp")
    hidden.write_text(json.dumps(_known(store.root) | {_about(plan, names): _now(store, plan, names)}, indent=0))
    replace_durably(hidden, path)


def _known(root: Path) -> dict[str, str]:
    """A note that cannot be read is none: what it told of is made anew."""
    try:
        found = json.loads((root / _FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _about(plan: Plan, names: Sequence[str]) -> str:
    return " ".join([plan.run_id, ",".join(names), ",".join(plan.exchanges)])


def _now(store: Store, plan: Plan, names: Sequence[str]) -> str:
    """Which files there are, of which version of this package: inodes, and when they were written."""
    digest = sha256(version("liquidation-warehouse").encode())
    for path in _paths(store, plan, names):
        about = path.stat() if path.is_file() else None
        digest.update(f"{about and (about.st_ino, about.st_mtime_ns, about.st_size)} ".encode())
    return digest.hexdigest()


def _paths(store: Store, plan: Plan, names: Sequence[str]) -> Iterator[Path]:
    span = list(days((plan.first_hour - timedelta(days=1)).date(), plan.last_hour.date()))
    of_venues: list[Key] = [{"exchange": name, "date": day} for name in plan.exchanges for day in span]
    of_coins: list[Key] = [{"coin": name, "date": day} for name in names for day in span]
    yield from (store.path(t, key) for t in _ASKED for key in of_venues)
    yield from (store.path(t, {"exchange": name}) for t in _REFERENCE for name in plan.exchanges)
    yield from (store.path(t, key) for t in _MADE for key in of_coins)
