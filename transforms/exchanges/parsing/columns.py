"""The records of an answer, read a column at a time: as `Cells` reads a cell, and some twenty times as fast."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from transforms.exchanges.parsing.json_body import EARLIEST_MS, LATEST_MS, Cells
from transforms.exchanges.protocol import BadPayload

_SPELLING = "0123456789.eE+-"  # of these `float` reads no more than the numbers that `Cells` knows


class Columns:
    """An array of records, objects or arrays, numbered from 0.

    A column in which every cell is as usual is read whole, any other cell by cell: what `Cells` refuses is refused, and
    named as it names it.
    """

    __slots__ = ("_numbers", "_records", "_where")

    def __init__(self, found: object, where: str = "row", numbers: Sequence[int] | None = None) -> None:
        if not isinstance(found, list):
            raise BadPayload(f"{where} is not a list")
        self._records: list[Any] = found
        self._where = where
        self._numbers = range(len(found)) if numbers is None else numbers
        if not set(map(type, found)) <= {dict, list}:
            self.cells()

    def __len__(self) -> int:
        return len(self._records)

    def where(self, place: int) -> str:
        """How a refusal names the record at `place`."""
        return f"{self._where} {self._numbers[place]}"

    def cells(self) -> list[Cells]:
        """The records one by one."""
        return [Cells(record, self.where(place)) for place, record in enumerate(self._records)]

    def take(self, places: Sequence[int]) -> Columns:
        """The records at `places`, each under its own number."""
        records = [self._records[place] for place in places]
        return Columns(records, self._where, [self._numbers[place] for place in places])

    def same(self, one: int, other: int) -> bool:
        """Whether two records say the same."""
        return bool(self._records[one] == self._records[other])

    def get(self, key: str | int) -> list[Any]:
        """The cells as they came; None where one is missing."""
        try:
            return list(map(itemgetter(key), self._records))
        except (LookupError, TypeError):
            return [each.get(key) for each in self.cells()]

    def text(self, key: str | int) -> list[str]:
        """Strings that say something."""
        column = self.get(key)
        if set(map(type, column)) == {str} and "" not in column:
            return column
        return [each.text(key) for each in self.cells()]

    def number(self, key: str | int, *, signed: bool = False, positive: bool = False) -> list[float]:
        """Finite numbers; not negative unless `signed`."""
        values = _spelt(self.get(key))
        least = -math.inf if signed else 5e-324 if positive else 0.0
        if values and least <= min(values) and _finite(values):
            return values
        return [each.number(key, signed=signed, positive=positive) for each in self.cells()]

    def maybe(self, key: str | int) -> list[float | None]:
        """As `number`, but an absent or blank cell is null."""
        values = _spelt(self.get(key))
        if values and min(values) >= 0 and _finite(values):
            return [*values]
        return [each.maybe(key) for each in self.cells()]

    def time(self, key: str | int) -> list[int]:
        """Unix milliseconds, from numbers or from strings."""
        column = self.get(key)
        kinds = set(map(type, column))
        if kinds == {str} and set(map(len, column)) == {13} and _digits("".join(column)):
            column, kinds = list(map(int, column)), {int}
        if kinds == {int} and min(column) >= EARLIEST_MS and max(column) < LATEST_MS:
            return column
        return [each.time(key) for each in self.cells()]

    def asked_for(self, key: str | int, name: str | None, *, stated: bool = True) -> None:
        """Refuses records that are of another contract, or that do not say of which where that is always `stated`."""
        said: list[Any] = self.text(key) if stated else self.get(key)
        if said.count(name) == len(said):
            return
        for place, value in enumerate(said):
            if value != name and (stated or value is not None):
                raise BadPayload(f"{self.where(place)}: {key} is {value}, asked for {name}")


def _spelt(column: list[Any]) -> list[float] | None:
    """The numbers of a column of strings; None where one is anything else."""
    try:
        return None if "".join(column).strip(_SPELLING) else list(map(float, column))
    except (TypeError, ValueError):
        return None


def _finite(values: list[float]) -> bool:
    return -math.inf < min(values) and max(values) < math.inf


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
