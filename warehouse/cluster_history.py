"""mart.cluster_history, once the map is made: from which day on clusters are followed again, and following them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import polars as pl

from expectations.tables import table
from warehouse.build import build
from warehouse.clock import days
from warehouse.store import Key, Stage, Store
from warehouse.sweeps import hanging_on, held_days, runs

HISTORY, BOOKS, CLUSTERS = table("cluster_history"), table("position_books"), table("liquidation_clusters")
_INPUTS = [table(name) for name in HISTORY.inputs]
_MAP = [table(name) for name in ("liquidation_clusters", "position_books")]
_REALISED = [table(name) for name in ("realised_liquidations", "realised_coverage")]
_DAY = timedelta(days=1)


def make_cluster_history(stage: Stage, coin: str) -> None:
    """Stages the days of one coin that hang on what the run has staged, that a check has held back, or that lack.

    An hour goes on from the hour before it, so from the first day whose map was made again, or that was held back or
    deleted, all are made again. What was realised is no part of what goes on: where more is told, its day is enough.
    A day whose clusters were lost keeps the history that it has: it would come out as one on which there were none.
    """
    made = {_day(key) for key in stage.published.keys(HISTORY, coin=coin)}
    days_there = ((_day(key), key) for key in stage.store.keys(BOOKS, coin=coin))
    there = [day for day, key in days_there if day not in made or stage.store.find(CLUSTERS, key)]
    staged = (_day(key) for contract in _MAP for key in stage.keys_of(contract, coin=coin))
    lacking = (day for day in there if day not in made)
    since = min((*staged, *lacking, *held_days(stage, HISTORY, coin)), default=date.max)
    told = set(hanging_on(stage, _REALISED, coin))
    for first, last in runs([day for day in there if day >= since or day in told]):
        _make(stage.store, coin, first, last, max((day for day in {*made, *there} if day < first), default=None))


def _make(store: Store, coin: str, first: date, last: date, before: date | None) -> None:
    """Writes each day from `first` to `last`, with rows or without; `before` is the last day there is before them."""
    own, around = _keys(coin, days(first, last)), _keys(coin, days(first - _DAY, last))
    # bars and events up to midnight are of the day before
    inputs = {t.name: store.read(t, own if t in _MAP else around) for t in _INPUTS}
    earlier = store.read(HISTORY, _keys(coin, [before] if before else []))
    state = earlier.filter(pl.col("hour_utc") == pl.col("hour_utc").max())
    made = build(HISTORY.name, {**inputs, HISTORY.name: state})
    for key in own:
        store.write(HISTORY, made.filter(pl.col("date") == key["date"]), key)


def _keys(coin: str, of: Iterable[date]) -> list[Key]:
    return [{"coin": coin, "date": day} for day in of]


def _day(key: Key) -> date:
    return date.fromisoformat(str(key["date"]))
