"""mart.sweeps, once the map is made: which of its days are to be made again, and making each of them whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta

import polars as pl

from expectations.contract import Table
from expectations.tables import table
from warehouse.build import build
from warehouse.clock import HOUR, days
from warehouse.store import Stage, Store

SWEEPS, BOOKS = table("sweeps"), table("position_books")
_INPUTS = [table(name) for name in SWEEPS.inputs]
_DAY = timedelta(days=1)
AT_ONCE = 4
"""Days made together: starting a query costs as much as a day's rows, and the rows of more would fill memory."""


def make_sweeps(stage: Stage, coin: str) -> None:
    """Stages the days of one coin that hang on what the run has staged, and those that a check has held back."""
    hanging = sorted({*hanging_on(stage, _INPUTS, coin), *held_days(stage, SWEEPS, coin)})
    there = [day for day in hanging if stage.store.find(BOOKS, {"coin": coin, "date": day})]
    for first, last in runs(there):
        _make(stage.store, coin, first, last)


def runs(of: Sequence[date]) -> Iterator[tuple[date, date]]:
    """First and last of each run of days that follow each other, of at most AT_ONCE."""
    begun = 0
    for i, day in enumerate(of):
        if i + 1 == len(of) or of[i + 1] != day + _DAY or i + 1 - begun == AT_ONCE:
            yield of[begun], day
            begun = i + 1


def hanging_on(stage: Stage, inputs: Sequence[Table], coin: str) -> Iterator[date]:
    """Each day of which one of `inputs` is staged, and the day after: the hour of midnight speaks of the day before."""
    for contract in inputs:
        for key in stage.keys_of(contract, coin=coin):
            day = date.fromisoformat(str(key["date"]))
            yield from (day, day + _DAY)


def held_days(stage: Stage, contract: Table, coin: str) -> Iterator[date]:
    """The days of a table that a check has held back."""
    held = stage.published.root / "quarantine" / contract.layer / contract.name
    for path in held.glob(f"coin={coin}/date=*"):
        yield date.fromisoformat(path.name.removeprefix("date="))


def _make(store: Store, coin: str, first: date, last: date) -> None:
    keys = [{"coin": coin, "date": day} for day in days(first - _DAY, last)]
    since = datetime.combine(first, time()) - HOUR
    inputs = {t.name: store.read(t, keys, _columns(t)).filter(pl.col(t.time_column or "") >= since) for t in _INPUTS}
    made = build(SWEEPS.name, inputs)
    store.write_partitions(SWEEPS, made.filter(pl.col("date").is_between(first, last)))


def _columns(contract: Table) -> list[str] | None:
    """Of the map, whose rows are many, only what places them."""
    if contract.name != "liquidation_levels":
        return None
    return ["coin", "hour_utc", "exchange", "instrument", "side", "price_low", "price_high", "notional_usd"]
