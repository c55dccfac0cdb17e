"""Windows: how a range becomes pages.

Two kinds of series. A *bar* belongs to the window that it opens in, [start, end). A *reading* speaks of the time before
it and belongs to the window (start, end].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from transforms.exchanges.protocol import Instrument

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


@dataclass(frozen=True)
class Source:
    """A series that an exchange publishes by page: where, how many rows a page, and at which weight."""

    endpoint: str
    path: str
    budget: str
    page: int
    bars: bool = False
    weight: int = 1


def pages(source: Source, start_ms: int, end_ms: int, step_ms: int) -> Iterator[tuple[int, int]]:
    """Consecutive windows of at most `source.page` steps, on the step's grid, that together hold what was asked."""
    lift = step_ms - 1 if source.bars else 0
    first, last = ((moment + lift) // step_ms * step_ms for moment in (start_ms, end_ms))
    span = source.page * step_ms
    for begin in range(first, last, span):
        yield begin, min(begin + span, last)


def linear_only(exchange: str, instruments: Sequence[Instrument]) -> Sequence[Instrument]:
    """Refuses what the requests and units of a module do not cover, before anything is asked."""
    for each in instruments:
        if each.kind != "linear" or each.exchange != exchange:
            raise ValueError(f"{exchange} plans linear contracts of its own, not {each.exchange} {each.instrument}")
    return instruments
