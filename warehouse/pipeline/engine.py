"""The walk over the graph of partitions: what is stale is built, inputs before what is built on them, days ascending.

A lane is a part of the walk that nothing else in its stage of the walk depends on, so that lanes may be walked side by
side, by whatever executes them (workers.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from expectations.contract import Table
from expectations.tables import load, table
from warehouse.clock import HOUR, hours
from warehouse.pipeline.build import build_group, parameters_of
from warehouse.pipeline.inputs import Reader
from warehouse.pipeline.staleness import Staleness
from warehouse.pipeline.unit import Unit, in_order, maker, products
from warehouse.storage.parquet import BuiltFrom
from warehouse.storage.store import Store

MAP = table("liquidation_levels")
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Lane:
    """Tables by name, and the days and coins or exchange to walk them for. A day's coins are built together.

    again: builds them whether or not they are stale. history: by coin, the first and the last hour of its map.
    expected: by coin, the exchanges that owe its data. work: how many of the days are likely to be built.
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
        """What it is walked for, for a person."""
        return self.exchange or ", ".join(coin for coin in self.coins if coin) or ", ".join(self.tables)


@dataclass(frozen=True)
class Built:
    """A unit that was built: its name, why, and how many rows of its table came out."""

    label: str
    reason: str
    rows: int


class Walk:
    """Walks a lane over `store`, a stage over what is published, and writes what it builds into the stage."""

    def __init__(self, store: Store, lane: Lane, reader: Reader | None = None) -> None:
        self.store, self.lane, self.reader = store, lane, reader or Reader(store)
        self.staleness = Staleness(
            self.reader, self._recorded, {c: last.date() for c, (_, last) in lane.history.items()}
        )
        self.built: list[Built] = []
        self._looked_for: set[tuple[str, date, str | None]] = set()

    def run(self) -> Iterator[date]:
        """Build what is stale, and yield each day when it is done."""
        tables = [each for each in in_order() if each.name in self.lane.tables]
        for day in self.lane.days:
            for of in tables:
                stale = [(unit, why) for unit in self.units(of, day) if (why := self.reason(unit))]
                if stale:
                    self._build(stale)
            yield day

    def units(self, of: Table, day: date) -> list[Unit]:
        """The units of a table on a day that there is something to build of."""
        units = (Unit(of, day, coin, self.lane.exchange) for coin in self.lane.coins)
        return [unit for unit in units if self._is_due(unit)]

    def reason(self, unit: Unit) -> str:
        """Why a unit is to be built; empty where it is not."""
        return "asked for" if self.lane.again else next(self.staleness.reasons(unit), "")

    def _is_due(self, unit: Unit) -> bool:
        if unit.table.name == MAP.name:
            if unit.coin not in self.lane.history:
                return False
            first, last = self._hours(unit)
            return first <= last
        required = [each for each in unit.table.inputs if each.required]
        return not required or any(self.reader.has(each, unit) for each in required)

    def _build(self, stale: Sequence[tuple[Unit, str]]) -> None:
        """Build units of one table and one day together, each with why it is stale."""
        for unit, _ in stale:
            self._build_missing_inputs(unit)
        self._make(stale)

    def _make(self, stale: Sequence[tuple[Unit, str]]) -> None:
        units = [unit for unit, _ in stale]
        of = units[0].table
        # before anything is read: what is replaced meanwhile has another digest than is recorded, and is built again
        recorded = [self.staleness.built_from(unit) for unit in units]
        made = build_group(of.name, self._inputs(units), **self._given(units[0]))
        for (unit, why), from_what in zip(stale, recorded, strict=True):
            own = {name: self._own(load()[name], rows, unit) for name, rows in made.items()}
            if self._write(unit, own, from_what):
                self.built.append(Built(unit.label, why, own[of.name].height))

    def _inputs(self, units: Sequence[Unit]) -> dict[str, pl.DataFrame]:
        """The declared inputs. What adds to its own rows begins with none when all is built again."""
        anew = self.lane.again and not units[0].table.is_daily
        inputs = self.reader.inputs(units, anew=anew)
        return inputs | ({units[0].table.name: units[0].table.empty()} if anew else {})

    def _own(self, of: Table, rows: pl.DataFrame, unit: Unit) -> pl.DataFrame:
        """The rows of a unit among those that a build made: of other days there may be some, but not all."""
        if of.is_daily:
            rows = rows.filter(of.day == unit.day)
        return rows.filter(pl.col("coin") == unit.coin) if len(self.lane.coins) > 1 else rows

    def _write(self, unit: Unit, made: Mapping[str, pl.DataFrame], recorded: BuiltFrom) -> bool:
        """Write what was made of a unit, its own table last; nothing where there was nothing to make it of."""
        own = unit.table
        if made[own.name].is_empty() and not own.may_be_empty and not self._has(unit):
            return False
        contents: dict[str, str] = {}
        for each in products(own):
            rows, key = made[each.name], unit.key
            units: Mapping[str, BuiltFrom] = {unit.name: recorded}
            if each.is_daily and "date" not in each.partition:
                rows, units = self._among_other_days(each, unit, rows, units)
            contents[each.name] = self.store.write(each, rows, key, units, contents if each.name == own.name else None)
            self.reader.keep(each, key, rows)
        return True

    def _has(self, unit: Unit) -> bool:
        """Whether the unit was ever built: its file is there, and speaks of it."""
        footer = self.store.footer(unit.table, unit.key)
        return footer is not None and ("date" in unit.table.partition or unit.name in footer.units)

    def _among_other_days(
        self, of: Table, unit: Unit, rows: pl.DataFrame, units: Mapping[str, BuiltFrom]
    ) -> tuple[pl.DataFrame, Mapping[str, BuiltFrom]]:
        """The rows of a file that holds several days, with those of the unit's day replaced."""
        before, footer = self.store.read(of, [unit.key]), self.store.footer(of, unit.key)
        known = footer.units if footer else {}
        return of.conform(pl.concat([before.filter(of.day != unit.day), rows])), {**known, **units}

    def _build_missing_inputs(self, unit: Unit) -> None:
        """Build the missing inputs first: state deleted for its age, and lost days before the walk."""
        for each in unit.table.inputs if unit.coin else ():
            of = load()[each.table]
            for key in self.reader.keys(each, unit) if {"coin", "date"} <= set(of.partition) else ():
                needed = Unit(maker(of), date.fromisoformat(str(key["date"])), unit.coin)
                is_walked = needed.day in self.lane.days and of.kept_days is None
                name = (of.name, needed.day, needed.coin)
                if is_walked or name in self._looked_for:
                    continue
                self._looked_for.add(name)  # windows overlap: of 30 days, 29 were looked for the day before
                if self.store.find(of, key) is None and self._is_due(needed):
                    self._build_missing_inputs(needed)
                    self._make([(needed, f"{of.full_name} is missing and {unit.label} needs it")])

    def _given(self, unit: Unit) -> dict[str, Any]:
        """The parameters that the build of a unit takes."""
        known: dict[str, Callable[[], Any]] = {
            "coin": lambda: unit.coin,
            "day": lambda: unit.day,
            "hours": lambda: list(hours(*self._hours(unit))),
            "exchanges": lambda: list(self.lane.expected.get(unit.coin or "", ())),
        }
        return {name: known[name]() for name in parameters_of(unit.table)}

    def _recorded(self, unit: Unit) -> Mapping[str, Any]:
        """Those of them that are not told by the unit's place."""
        given = self._given(unit)
        known = {name: given[name] for name in ("exchanges",) if name in given}
        return known | ({"hours": self._hours(unit)} if "hours" in given else {})

    def _hours(self, unit: Unit) -> tuple[datetime, datetime]:
        """The hours of a coin's map within a day: the first and the last."""
        first, last = self.lane.history[unit.coin or ""]
        return max(first, unit.begins), min(last, unit.ends - HOUR)
