"""A long history for a warehouse: every partition of one of its days, copied to earlier days."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import polars as pl
import polars.selectors as cs

from expectations.contract import Table
from expectations.tables import load, table
from transforms.exchanges import ADAPTERS
from warehouse.clock import days
from warehouse.pipeline.engine import Lane, Walk
from warehouse.pipeline.unit import Unit, in_order, products
from warehouse.storage.layout import Key
from warehouse.storage.parquet import BuiltFrom
from warehouse.storage.store import Store

WEEK, MONTH = 16, 40
"""Days that a run may read before the last: eight and the week before them; a month of price bars."""


def read_back(contract: Table) -> int:
    """Return the days of a table that a run may read: a month of bars for market impact, else WEEK."""
    return MONTH if contract.name == "price_bars" else WEEK


def lengthen(store: Store, day: date, length: int) -> None:
    """Copy `day` to the `length` days before it. Times in rows are shifted only in days that a run may read.

    Contracts and tiers become valid from the first of these days.
    """
    for contract in load().values():
        if "date" in contract.partition:
            for key in store.keys(contract, date=day):
                for back in range(1, length + 1):
                    _again(store, contract, key, day - timedelta(days=back), moved=back <= read_back(contract))

    for contract in (table("instruments"), table("margin_tiers")):
        for key in store.keys(contract):
            rows = store.read(contract, [key])
            store.write(contract, rows.with_columns(pl.col("valid_from_utc") - pl.duration(days=length)), key)


def seal(store: Store, day: date, length: int) -> None:
    """Record the present inputs in the footers of the partitions of the `length` days before `day`."""
    first = day - timedelta(days=length)
    history = {"BTC": (datetime.combine(first - timedelta(days=length), time()), datetime.combine(day, time(8)))}
    names = tuple(t.name for t in in_order() if not t.on_demand and "coin" in t.partition)
    walk = Walk(store, Lane(names, (), ("BTC",), None, False, history, {"BTC": tuple(sorted(ADAPTERS))}))
    for each in days(first, day - timedelta(days=1)):
        for of in (t for t in in_order() if t.name in names):
            for unit in walk.units(of, each):
                _say(store, unit, walk.staleness.built_from(unit))


def _say(store: Store, unit: Unit, built_from: BuiltFrom) -> None:
    contents: dict[str, str] = {}
    for each in products(unit.table):
        if store.find(each, unit.key):
            footer = store.footer(each, unit.key)
            units = {**(footer.units if footer else {}), unit.name: built_from}
            rows = store.read(each, [unit.key])
            contents[each.name] = store.write(each, rows, unit.key, units, contents)


def _again(store: Store, contract: Table, key: Key, day: date, *, moved: bool) -> None:
    earlier = {**key, "date": day}
    if contract.name in ("state_positions", "state_cohorts") and not moved and day.day != 1:
        return  # pruned
    if moved:
        made = date.fromisoformat(str(key["date"]))
        by = pl.lit(day - made)
        born = cs.ends_with("track_id").str.replace(f"{made:%Y%m%d}", f"{day:%Y%m%d}", literal=True)
        rows = store.read(contract, [key]).with_columns(
            cs.datetime() + by, cs.date().cast(pl.Datetime("ms")) + by, born
        )
        store.write(contract, rows, earlier)
        return
    path = store.path(contract, earlier)
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(store.path(contract, key), path)


def spoil(store: Store, day: date) -> Iterator[str]:
    """Corrupt files that the hours of `day` do not depend on, except the first of each series, which views read."""
    for contract in load().values():
        before = day - timedelta(days=read_back(contract))
        keys = [k for k in store.keys(contract) if str(k.get("date", "9999")) < before.isoformat()]
        seen: set[tuple[object, ...]] = set()
        for key in keys:
            series = tuple(value for name, value in key.items() if name != "date")
            if series in seen:
                store.path(contract, key).write_bytes(b"whoever reads this fails")
                yield table(contract.name).full_name
            seen.add(series)
