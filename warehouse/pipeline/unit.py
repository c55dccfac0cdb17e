"""The unit of work: the rows of one table for one day of one coin, or of what its files are kept by instead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from expectations.contract import Table
from expectations.tables import load
from warehouse.storage.layout import Key, label

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Unit:
    """`coin` and `exchange` are None where the table's rows are not built by them.

    `day` is the last day of the window where a table is not built by the day, such as the versions of instruments.
    """

    table: Table
    day: date
    coin: str | None = None
    exchange: str | None = None

    @property
    def key(self) -> Key:
        """The partition that holds it: its own, or with other days that of a month or of the whole table."""
        known = {"coin": self.coin, "exchange": self.exchange, "date": self.day, "month": f"{self.day:%Y-%m}"}
        return {column: known[column] for column in self.table.partition}

    @property
    def name(self) -> str:
        """Its name in the footer of its file: the day, or nothing where a build adds to all that is there."""
        return str(self.day) if self.table.is_daily else ""

    @property
    def label(self) -> str:
        """Table and partition, for a person."""
        day = self.name if "date" not in self.table.partition else ""
        return " ".join(part for part in (self.table.full_name, label(self.table, self.key), day) if part)

    @property
    def begins(self) -> datetime:
        """The first moment of its day."""
        return datetime.combine(self.day, time())

    @property
    def ends(self) -> datetime:
        """The first moment after its day."""
        return self.begins + _DAY


def products(table: Table) -> list[Table]:
    """The tables that one build of `table` makes, itself last: its file, when it is there, says that all are."""
    return [*(t for t in load().values() if t.built_with == table.name), table]


def maker(table: Table) -> Table:
    """The table whose build makes `table`."""
    return load()[table.built_with] if table.built_with else table


def in_order() -> Iterator[Table]:
    """Every table that is built from others, after its inputs."""
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
