"""Retention of estimator state: the last days and the first of each month, where a build can start."""

from __future__ import annotations

from collections.abc import Container
from datetime import date
from itertools import groupby

from expectations.tables import load
from warehouse.storage.staging import Stage, others_at_work
from warehouse.storage.store import Store


def is_kept(day: date, newest: date, days: int) -> bool:
    """Return whether a partition of `day` is kept when the newest map is of the day `newest`."""
    return day.day == 1 or (newest - day).days < days


def prune(store: Store, spare: Container[date] = (), own: Stage | None = None) -> None:
    """Delete partitions past the retention of their table. A build that needs one starts from an earlier kept day.

    Nothing is deleted while another stage than `own` is open, since its run may read the state. The caller holds the
    publication lock, under which stages are opened too. spare: further days to keep.
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
