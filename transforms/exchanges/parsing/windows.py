"""Windows: the division of a range into pages.

A series has bars or readings. A *bar* belongs to the window in which it opens, [start, end). A *reading* describes the
time before it and belongs to the window (start, end].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from transforms.exchanges.protocol import Instrument


@dataclass(frozen=True)
class Source:
    """A series that an exchange publishes by page: its path, the rows per page and the weight of a request."""

    endpoint: str
    path: str
    budget: str
    page: int
    bars: bool = False
    weight: int = 1


def pages(source: Source, start_ms: int, end_ms: int, step_ms: int) -> Iterator[tuple[int, int]]:
    """Yield consecutive windows of at most `source.page` steps, on the step's grid, that together cover the range."""
    lift = step_ms - 1 if source.bars else 0
    first, last = ((moment + lift) // step_ms * step_ms for moment in (start_ms, end_ms))
    span = source.page * step_ms
    for begin in range(first, last, span):
        yield begin, min(begin + span, last)


def linear_only(exchange: str, instruments: Sequence[Instrument]) -> Sequence[Instrument]:
    """Return `instruments`, all linear contracts of `exchange`. Raises ValueError otherwise, before any request."""
    for each in instruments:
        if each.kind != "linear" or each.exchange != exchange:
            raise ValueError(
                f"{exchange} supports its own linear contracts only, not the {each.kind} contract {each.instrument} of "
                f"{each.exchange}"
            )
    return instruments
