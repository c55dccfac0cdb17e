"""A year of maps: existing days repeated before the first one, with shifted times."""

from __future__ import annotations

import os
from datetime import date, timedelta

import polars as pl
import polars.selectors as cs

from expectations.contract import Table
from expectations.tables import load, table
from warehouse.storage.layout import Key
from warehouse.storage.store import Store

NEWEST = 30
"""Number of repeated days: the last complete ones, with the largest populations."""
STATE = ("state_positions", "state_cohorts")


def repeat(store: Store, length: int) -> None:
    """Extend each coin's mart, of three days or more, to `length` days.

    Later coins get hard links to the files of the first coin; queries only skip them.
    """
    levels = table("liquidation_levels")
    coins = sorted({str(key["coin"]) for key in store.keys(levels)})
    days = sorted(date.fromisoformat(str(key["date"])) for key in store.keys(levels, coin=coins[0]))
    wanted = [days[-1] - timedelta(days=back) for back in range(len(days), length)]
    repeated = days[1:-1][-NEWEST:]
    for contract in load().values():
        if contract.layer == "mart" and contract.partition == ("coin", "date") and contract.name not in STATE:
            for at, day in enumerate(wanted):
                first = _again(store, contract, coins[0], repeated[at % len(repeated)], day)
                for coin in coins[1:] if first else ():
                    _link(store, contract, first, {"coin": coin, "date": day})


def _again(store: Store, contract: Table, coin: str, was: date, day: date) -> Key | None:
    if store.find(contract, {"coin": coin, "date": was}) is None:
        return None
    by = pl.lit(day - was)
    rows = store.read(contract, [{"coin": coin, "date": was}])
    key = {"coin": coin, "date": day}
    store.write(contract, rows.with_columns(cs.datetime() + by, cs.date().cast(pl.Datetime("ms")) + by), key)
    return key


def _link(store: Store, contract: Table, first: Key, key: Key) -> None:
    path = store.path(contract, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    os.link(store.path(contract, first), path)
