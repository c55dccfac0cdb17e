"""The records of an answer, read by column: with the checks of `Cells`, and some twenty times as fast."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from transforms.exchanges.parsing.json_body import EARLIEST_MS, LATEST_MS, Cells
from transforms.exchanges.protocol import BadPayload

_SPELLING = "0123456789.eE+-"  # of texts in these characters, `float` accepts only those that `Cells` accepts


class Columns:
    """An array of records, objects or arrays, numbered from 0.

    A column of ordinary cells is read at once, any other one cell by cell: `Cells` decides on refusals and their words.
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
        """Return the name of the record at `place` in error messages."""
        return f"{self._where} {self._numbers[place]}"

    def cells(self) -> list[Cells]:
        """Return the records one by one."""
        return [Cells(record, self.where(place)) for place, record in enumerate(self._records)]

    def take(self, places: Sequence[int]) -> Columns:
        """Return the records at `places`, each under its original number."""
        records = [self._records[place] for place in places]
        return Columns(records, self._where, [self._numbers[place] for place in places])

    def same(self, one: int, other: int) -> bool:
        """Return whether two records are equal."""
        return bool(self._records[one] == self._records[other])

    def get(self, key: str | int) -> list[Any]:
        """Return the raw cells; None where one is missing."""
        try:
            return list(map(itemgetter(key), self._records))
        except (LookupError, TypeError):
            return [each.get(key) for each in self.cells()]

    def text(self, key: str | int) -> list[str]:
        """Return non-empty strings."""
        column = self.get(key)
        if set(map(type, column)) == {str} and "" not in column:
            return column
        return [each.text(key) for each in self.cells()]

    def number(self, key: str | int, *, signed: bool = False, positive: bool = False) -> list[float]:
        """Return finite numbers; not negative unless `signed`, not 0 if `positive`."""
        values = _floats(self.get(key))
        least = -math.inf if signed else 5e-324 if positive else 0.0
        if values and least <= min(values) and _finite(values):
            return values
        return [each.number(key, signed=signed, positive=positive) for each in self.cells()]

    def maybe(self, key: str | int) -> list[float | None]:
        """Return numbers as `number` does, with null for an absent or blank cell."""
        values = _floats(self.get(key))
        if values and min(values) >= 0 and _finite(values):
            return [*values]
        return [each.maybe(key) for each in self.cells()]

    def time(self, key: str | int) -> list[int]:
        """Return unix milliseconds, from numbers or from strings."""
        column = self.get(key)
        kinds = set(map(type, column))
        if kinds == {str} and set(map(len, column)) == {13} and _digits("".join(column)):
            column, kinds = list(map(int, column)), {int}
        if kinds == {int} and min(column) >= EARLIEST_MS and max(column) < LATEST_MS:
            return column
        return [each.time(key) for each in self.cells()]

    def check_instrument(self, key: str | int, name: str | None, *, stated: bool = True) -> None:
        """Raise BadPayload for a record of another contract or, where it is always `stated`, of none."""
        column: list[Any] = self.text(key) if stated else self.get(key)
        if column.count(name) == len(column):
            return
        for place, value in enumerate(column):
            if value != name and (stated or value is not None):
                raise BadPayload(f"{self.where(place)}: {key} is {value}, asked for {name}")


def _floats(column: list[Any]) -> list[float] | None:
    """Return the numbers of a column of strings; None if a cell is anything else."""
    try:
        return None if "".join(column).strip(_SPELLING) else list(map(float, column))
    except (TypeError, ValueError):
        return None


def _finite(values: list[float]) -> bool:
    return -math.inf < min(values) and max(values) < math.inf


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
