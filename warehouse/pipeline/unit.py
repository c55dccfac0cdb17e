"""The unit of work: the rows of one table for one day of one coin, or of its other partition columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from expectations.contract import Table
from expectations.tables import load
from transforms.hourly.hours import DAY
from warehouse.storage.layout import Key, label


@dataclass(frozen=True)
class Unit:
    """The rows of a table that are built together. `coin` and `exchange` are None for tables not built by them.

    For a table that is not built by day, such as the versions of instruments, `day` is the last day of the window.
    """

    table: Table
    day: date
    coin: str | None = None
    exchange: str | None = None

    @property
    def key(self) -> Key:
        """The partition of the unit, which may also have other days: of a month or of the whole table."""
        known = {"coin": self.coin, "exchange": self.exchange, "date": self.day, "month": f"{self.day:%Y-%m}"}
        return {column: known[column] for column in self.table.partition}

    @property
    def name(self) -> str:
        """The name of the unit in the footer of its file: the day, or "" if a build adds to the whole table."""
        return str(self.day) if self.table.is_daily else ""

    @property
    def label(self) -> str:
        """The table and partition, for display."""
        day = self.name if "date" not in self.table.partition else ""
        return " ".join(part for part in (self.table.full_name, label(self.table, self.key), day) if part)

    @property
    def begins(self) -> datetime:
        """The first moment of the day."""
        return datetime.combine(self.day, time())

    @property
    def ends(self) -> datetime:
        """The first moment after the day."""
        return self.begins + DAY


def products(table: Table) -> list[Table]:
    """Return the tables that one build of `table` makes, itself last: its file exists only if the others do."""
    return [*(t for t in load().values() if t.built_with == table.name), table]


def maker(table: Table) -> Table:
    """Return the table that builds `table`: its `built_with`, else itself."""
    return load()[table.built_with] if table.built_with else table


def in_order() -> Iterator[Table]:
    """Yield every table that is built from others, inputs first."""
    done: dict[str, None] = {}

    def visit(table: Table) -> Iterator[Table]:
        if table.name in done:
            return
        done[table.name] = None
        for each in table.inputs:
            yield from visit(maker(load()[each.table]))
        if table.inputs:
            yield table

    for table in load().values():
        yield from visit(maker(table))
