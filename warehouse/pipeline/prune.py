"""State is kept where a run may begin: of the last days, and of the first of each month."""

from __future__ import annotations

from datetime import date

from expectations.tables import table
from warehouse.store import Store

KEPT_DAYS = 8


def kept(day: date, newest: date) -> bool:
    """Whether the state of `day` outlasts a run that makes maps up to `newest`."""
    return day.day == 1 or (newest - day).days < KEPT_DAYS


def prune(store: Store) -> None:
    """Deletes the estimator's state of older days. What begins there is replayed from the first of its month."""
    for contract in (table("standing_positions"), table("opened_cohorts")):
        by_coin: dict[object, list[dict[str, object]]] = {}
        for key in store.keys(contract):
            by_coin.setdefault(key["coin"], []).append(key)
        for keys in by_coin.values():
            for key in keys[:-KEPT_DAYS]:
                if isinstance(key["date"], date) and key["date"].day != 1:
                    path = store.path(contract, key)
                    path.unlink(missing_ok=True)
                    path.parent.rmdir()
