"""The walk over the graph of partitions: stale ones are built, inputs before their dependents, days ascending.

A lane is a part of the walk that is independent of the other lanes of its stage, so lanes can run in parallel
(workers.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from expectations.contract import Table
from expectations.tables import load, table
from transforms.hourly.hours import HOUR
from warehouse.clock import hours
from warehouse.pipeline.build import build_group, parameters_of
from warehouse.pipeline.inputs import Reader
from warehouse.pipeline.staleness import Staleness
from warehouse.pipeline.unit import Unit, in_order, maker, products
from warehouse.storage.parquet import BuiltFrom
from warehouse.storage.store import Store

MAP = table("liquidation_levels")


@dataclass(frozen=True)
class Lane:
    """Table names, and the days and coins or exchange to walk them for. All coins of a day are built together.

    again: build every unit, stale or not. history: by coin, the first and last hour of its map.
    expected: by coin, the exchanges that should have its data. work: the number of days likely to be built.
    """

    tables: tuple[str, ...]
    days: tuple[date, ...]
    coins: tuple[str | None, ...] = (None,)
    exchange: str | None = None
    again: bool = False
    history: Mapping[str, tuple[datetime, datetime]] = field(default_factory=dict)
    expected: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    work: int = 1

    @property
    def name(self) -> str:
        """The exchange, coins or tables of the lane, for display."""
        return self.exchange or ", ".join(coin for coin in self.coins if coin) or ", ".join(self.tables)


@dataclass(frozen=True)
class Built:
    """A built unit: its label, the reason, and the number of rows of its table."""

    label: str
    reason: str
    rows: int


class Walk:
    """The walk of one lane over `store`, a stage on top of the published tables; it writes to the stage."""

    def __init__(self, store: Store, lane: Lane, reader: Reader | None = None) -> None:
        self.store, self.lane, self.reader = store, lane, reader or Reader(store)
        self.staleness = Staleness(
            self.reader, self._recorded, {c: last.date() for c, (_, last) in lane.history.items()}
        )
        self.built: list[Built] = []
        self._searched: set[tuple[str, date, str | None]] = set()

    def run(self) -> Iterator[date]:
        """Build the stale units, and yield each day when it is done."""
        tables = [each for each in in_order() if each.name in self.lane.tables]
        for day in self.lane.days:
            for of in tables:
                stale = [(unit, why) for unit in self.units(of, day) if (why := self.reason(unit))]
                if stale:
                    self._build(stale)
            yield day

    def units(self, of: Table, day: date) -> list[Unit]:
        """Return the units of a table on a day that have something to be built from."""
        units = (Unit(of, day, coin, self.lane.exchange) for coin in self.lane.coins)
        return [unit for unit in units if self._is_due(unit)]

    def reason(self, unit: Unit) -> str:
        """Return the reason to build a unit; empty if it is up to date."""
        return "requested" if self.lane.again else next(self.staleness.reasons(unit), "")

    def _is_due(self, unit: Unit) -> bool:
        if unit.table.name == MAP.name:
            if unit.coin not in self.lane.history:
                return False
            first, last = self._hours(unit)
            return first <= last
        required = [each for each in unit.table.inputs if each.required]
        return not required or any(self.reader.has(each, unit) for each in required)

    def _build(self, stale: Sequence[tuple[Unit, str]]) -> None:
        """Build units of one table and one day together; each comes with the reason why it is stale."""
        for unit, _ in stale:
            self._build_missing_inputs(unit)
        self._make(stale)

    def _make(self, stale: Sequence[tuple[Unit, str]]) -> None:
        units = [unit for unit, _ in stale]
        of = units[0].table
        # recorded before any read: an input replaced meanwhile then differs from its digest, and the unit is rebuilt
        recorded = [self.staleness.built_from(unit) for unit in units]
        result = build_group(of.name, self._inputs(units), **self._given(units[0]))
        for (unit, why), from_what in zip(stale, recorded, strict=True):
            own = {name: self._own(load()[name], rows, unit) for name, rows in result.items()}
            if self._write(unit, own, from_what):
                self.built.append(Built(unit.label, why, own[of.name].height))

    def _inputs(self, units: Sequence[Unit]) -> dict[str, pl.DataFrame]:
        """Read the declared inputs. In a full rebuild, a table that is its own input starts empty."""
        anew = self.lane.again and not units[0].table.is_daily
        inputs = self.reader.inputs(units, anew=anew)
        return inputs | ({units[0].table.name: units[0].table.empty()} if anew else {})

    def _own(self, of: Table, rows: pl.DataFrame, unit: Unit) -> pl.DataFrame:
        """Return the rows of a unit from a build's output, which may also have some rows of other days."""
        if of.is_daily:
            rows = rows.filter(of.day == unit.day)
        return rows.filter(pl.col("coin") == unit.coin) if len(self.lane.coins) > 1 else rows

    def _write(self, unit: Unit, result: Mapping[str, pl.DataFrame], recorded: BuiltFrom) -> bool:
        """Write the tables of a unit, its own last. Return False for a unit that is empty and was never written."""
        own = unit.table
        if result[own.name].is_empty() and not own.may_be_empty and not self._has(unit):
            return False
        contents: dict[str, str] = {}
        for each in products(own):
            rows, key = result[each.name], unit.key
            units: Mapping[str, BuiltFrom] = {unit.name: recorded}
            if each.is_daily and "date" not in each.partition:
                rows, units = self._among_other_days(each, unit, rows, units)
            contents[each.name] = self.store.write(each, rows, key, units, contents if each.name == own.name else None)
            self.reader.keep(each, key, rows)
        return True

    def _has(self, unit: Unit) -> bool:
        """Return whether the unit was ever built: its file exists and its footer lists the unit."""
        footer = self.store.footer(unit.table, unit.key)
        return footer is not None and ("date" in unit.table.partition or unit.name in footer.units)

    def _among_other_days(
        self, of: Table, unit: Unit, rows: pl.DataFrame, units: Mapping[str, BuiltFrom]
    ) -> tuple[pl.DataFrame, Mapping[str, BuiltFrom]]:
        """Return the rows of a file of several days, with the rows of the unit's day replaced."""
        before, footer = self.store.read(of, [unit.key]), self.store.footer(of, unit.key)
        known = footer.units if footer else {}
        return of.conform(pl.concat([before.filter(of.day != unit.day), rows])), {**known, **units}

    def _build_missing_inputs(self, unit: Unit) -> None:
        """Build missing inputs: state deleted by retention, and lost days before the walk."""
        for each in unit.table.inputs if unit.coin else ():
            of = load()[each.table]
            for key in self.reader.keys(each, unit) if {"coin", "date"} <= set(of.partition) else ():
                needed = Unit(maker(of), date.fromisoformat(str(key["date"])), unit.coin)
                is_walked = needed.day in self.lane.days and of.kept_days is None
                name = (of.name, needed.day, needed.coin)
                if is_walked or name in self._searched:
                    continue
                self._searched.add(name)  # windows overlap: 29 of 30 days were checked for the day before
                if self.store.find(of, key) is None and self._is_due(needed):
                    self._build_missing_inputs(needed)
                    self._make([(needed, f"{of.full_name} is missing and {unit.label} needs it")])

    def _given(self, unit: Unit) -> dict[str, Any]:
        """Return the parameters of the build of a unit."""
        known: dict[str, Callable[[], Any]] = {
            "coin": lambda: unit.coin,
            "day": lambda: unit.day,
            "hours": lambda: list(hours(*self._hours(unit))),
            "exchanges": lambda: list(self.lane.expected.get(unit.coin or "", ())),
        }
        return {name: known[name]() for name in parameters_of(unit.table)}

    def _recorded(self, unit: Unit) -> Mapping[str, Any]:
        """Return the build parameters that do not follow from the unit's key, to record them in the footer."""
        given = self._given(unit)
        known = {name: given[name] for name in ("exchanges",) if name in given}
        return known | ({"hours": self._hours(unit)} if "hours" in given else {})

    def _hours(self, unit: Unit) -> tuple[datetime, datetime]:
        """Return the first and last hour of a coin's map within a day."""
        first, last = self.lane.history[unit.coin or ""]
        return max(first, unit.begins), min(last, unit.ends - HOUR)
