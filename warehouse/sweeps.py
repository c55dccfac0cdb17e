"""mart.sweeps, once the map is made: which of its days are to be made again, and making each of them whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import polars as pl

from expectations.tables import table
from warehouse.build import build
from warehouse.clock import HOUR
from warehouse.store import Stage, Store

SWEEPS, BOOKS = table("sweeps"), table("position_books")
_INPUTS = [table(name) for name in SWEEPS.inputs]
_DAY = timedelta(days=1)


def make_sweeps(stage: Stage, coin: str) -> None:
    """Stages the days of one coin that hang on what the run has staged, and those that a check has held back."""
    for day in sorted({*_touched(stage, coin), *_held(stage, coin)}):
        if stage.store.find(BOOKS, {"coin": coin, "date": day}):
            _make_day(stage.store, coin, day)


def _touched(stage: Stage, coin: str) -> Iterator[date]:
    """Each day of which an input is staged, and the day after it: the hour of midnight speaks of the day before."""
    for contract in _INPUTS:
        for key in stage.keys_of(contract, coin=coin):
            day = date.fromisoformat(str(key["date"]))
            yield from (day, day + _DAY)


def _held(stage: Stage, coin: str) -> Iterator[date]:
    held = stage.published.root / "quarantine" / SWEEPS.layer / SWEEPS.name
    for path in held.glob(f"coin={coin}/date=*"):
        yield date.fromisoformat(path.name.removeprefix("date="))


def _make_day(store: Store, coin: str, day: date) -> None:
    keys = [{"coin": coin, "date": d} for d in (day - _DAY, day)]
    since = datetime.combine(day, time()) - HOUR
    inputs = {t.name: store.read(t, keys).filter(pl.col(t.time_column or "") >= since) for t in _INPUTS}
    store.write_partitions(SWEEPS, build(SWEEPS.name, inputs).filter(pl.col("date") == day))
