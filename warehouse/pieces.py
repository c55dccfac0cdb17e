"""Staged partitions in pieces that fit in memory, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from expectations.contract import PERIODS, Table
from warehouse.store import Key, Stage

AT_ONCE = 1 << 24
"""Bytes of files: about a million rows of the map."""

Piece = tuple[list[Key], bool]


def pieces(stage: Stage, contract: Table, keys: list[Key]) -> Iterator[Piece]:
    """`keys` (in order) in pieces to be checked together, and whether each coin's newest is in its piece.

    Whole coins, or a part of one: what a check compares with the day before is in the same piece, but for tables of
    which a day is so large that not all of a coin's fit; their hours are checked by themselves.
    """
    together: list[Key] = []
    room = AT_ONCE
    for _, same in groupby(keys, key=lambda key: [value for column, value in key.items() if column not in PERIODS]):
        *older, (newest, size) = _parts(stage, contract, list(same))
        if together and (older or size > room):
            yield together, True
            together, room = [], AT_ONCE
        yield from ((part, False) for part, _ in older)
        together, room = together + newest, room - size
    if together:
        yield together, True


def _parts(stage: Stage, contract: Table, keys: list[Key]) -> list[tuple[list[Key], int]]:
    """One coin's partitions in parts of at most AT_ONCE, or of one, with their size in bytes."""
    parts: list[tuple[list[Key], int]] = []
    for key in keys:
        path = stage.store.find(contract, key)
        size = path.stat().st_size if path else 0
        if parts and parts[-1][1] + size <= AT_ONCE:
            parts[-1] = [*parts[-1][0], key], parts[-1][1] + size
        else:
            parts.append(([key], size))
    return parts
