"""Strict reading of JSON answers: a body parses or is refused, and a record names the cell that is wrong."""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import Any

from transforms.exchanges.protocol import BadPayload, Response

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# Unix milliseconds of the years 2001 to 2286: seconds and microseconds fall outside.
EARLIEST_MS, LATEST_MS = 10**12, 10**13


def read(response: Response) -> Any:
    """Parse the body as JSON; raises BadPayload if it is anything else.

    Exchanges send maintenance and firewall pages with status 200, so the content type counts too.
    """
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type and media_type != "application/json":
        raise BadPayload(f"content type {media_type[:40]}, not JSON")
    if not response.body.strip():
        raise BadPayload("empty body")
    try:
        found, constants = _load(response.body)
    except (ValueError, RecursionError) as error:
        raise BadPayload("body is not JSON, or is cut short") from error
    if constants:
        raise BadPayload(f"{constants[0]} in the body")
    return found


def peek(response: Response) -> dict[str, Any]:
    """Return the body if it is an object, else {}: an exchange's own error code may come with any status."""
    try:
        found, _ = _load(response.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


@lru_cache(maxsize=1)  # an answer is peeked at, then read
def _load(body: bytes) -> tuple[Any, list[str]]:
    """Return the body, and the constants in it that JSON does not allow: NaN, Infinity."""
    constants: list[str] = []
    return json.loads(body, parse_constant=constants.append), constants


class Cells:
    """One record of an answer, object or array; `where` names it in error messages."""

    __slots__ = ("_cells", "where")

    def __init__(self, cells: object, where: str) -> None:
        if not isinstance(cells, dict | list):
            raise BadPayload(f"{where} is not a record")
        self._cells: dict[str, Any] | list[Any] = cells
        self.where = where

    def get(self, key: str | int) -> Any:
        """Return the raw cell; None if it is missing."""
        if isinstance(self._cells, dict):
            return self._cells.get(str(key))
        return self._cells[key] if isinstance(key, int) and key < len(self._cells) else None

    def text(self, key: str | int) -> str:
        """Return a non-empty string."""
        value = self.get(key)
        if not isinstance(value, str) or not value:
            raise self._wrong(key)
        return value

    def number(self, key: str | int, *, signed: bool = False, positive: bool = False) -> float:
        """Return a finite number, from a string or a JSON number; not negative unless `signed`, not 0 if `positive`."""
        value = self.get(key)
        spelt = isinstance(value, str) and _NUMBER.fullmatch(value) is not None
        plain = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
        result = float(value) if spelt or plain else math.nan
        if not math.isfinite(result) or (result < 0 and not signed) or (result == 0 and positive):
            raise self._wrong(key)
        return result

    def maybe(self, key: str | int, *, signed: bool = False) -> float | None:
        """Return a number as `number` does, or null for an absent or blank cell: not stated is not zero."""
        return None if self.get(key) in (None, "") else self.number(key, signed=signed)

    def time(self, key: str | int) -> int:
        """Return unix milliseconds; exchanges send them as numbers and as strings, sometimes both in one document."""
        value = self.get(key)
        if isinstance(value, str) and re.fullmatch(r"\d{13}", value, re.ASCII):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not EARLIEST_MS <= value < LATEST_MS:
            raise self._wrong(key)
        return value

    def maybe_time(self, key: str | int) -> int | None:
        """Return a time as `time` does, or null where the exchange sends a blank or zero."""
        return None if self.get(key) in (None, "", "0", 0) else self.time(key)

    def whole(self, key: str | int) -> int:
        """Return a count, such as a tier's number."""
        value = self.number(key)
        if not value.is_integer():
            raise self._wrong(key)
        return int(value)

    def inner(self, key: str | int) -> Cells:
        """Return the record inside a cell."""
        return Cells(self.get(key), f"{self.where}.{key}")

    def records(self, key: str | int) -> list[Cells]:
        """Return the array of records inside a cell."""
        return records(self.get(key), f"{self.where}.{key}")

    def _wrong(self, key: str | int) -> BadPayload:
        value = self.get(key)
        shown = "missing" if value is None else repr(value)[:40]
        return BadPayload(f"{self.where}: {key} is {shown}")


def records(value: object, where: str = "row") -> list[Cells]:
    """Return the records of an array, numbered from 0."""
    if not isinstance(value, list):
        raise BadPayload(f"{where} is not a list")
    return [Cells(item, f"{where} {number}") for number, item in enumerate(value)]
