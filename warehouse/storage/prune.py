"""State is kept where a build may begin: of the last days, and of the first of each month."""

from __future__ import annotations

from collections.abc import Container
from datetime import date
from itertools import groupby

from expectations.tables import load
from warehouse.storage.staging import Stage, others_at_work
from warehouse.storage.store import Store


def is_kept(day: date, newest: date, days: int) -> bool:
    """Whether a partition of `day` outlasts a run that makes maps up to `newest`."""
    return day.day == 1 or (newest - day).days < days


def prune(store: Store, spare: Container[date] = (), own: Stage | None = None) -> None:
    """Delete older partitions of tables that keep some days. A build that needs one begins at the last that is kept.

    Nothing is deleted while a stage besides `own` is being filled: it may be about to read the state. The caller holds
    the lock, under which stages are opened too. spare: days to keep besides.
    """
    if others_at_work(store, own):
        return
    for contract in load().values():
        if contract.kept_days is not None:
            for _, keys in groupby(store.keys(contract), key=lambda key: key["coin"]):
                by_day = {date.fromisoformat(str(key["date"])): key for key in keys}
                for day, key in by_day.items():
                    if day not in spare and not is_kept(day, max(by_day), contract.kept_days):
                        path = store.path(contract, key)
                        path.unlink(missing_ok=True)
                        path.parent.rmdir()
