"""Shared parts of the three wire servers: queries and replies, numbers as text, and page ranges."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from warehouse.simulator.market.listing import Exchange, Instrument
from warehouse.simulator.market.prices import Floats, Ints
from warehouse.simulator.market.source import Interval, Source

DAY_MS = 86_400_000
MINUTE_MS = 60_000
LONG_AGO_MS = 1_262_304_000_000  # 2010-01-01: the start of a range without one


@dataclass(frozen=True)
class Reply:
    """An answer. A body of bytes is sent as is, any other body as JSON."""

    body: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = "application/json"


class RefusedError(Exception):
    """An error answer of the exchange."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply.body))
        self.reply = reply


@dataclass(frozen=True)
class Query:
    """One request: its parameters, the market, the time, and whether limits on history apply."""

    params: Mapping[str, str]
    source: Source
    now_ms: int
    history_limits: bool = True

    def get(self, name: str) -> str:
        """Return a parameter; empty if it was not sent."""
        return self.params.get(name, "")


Handler = Callable[[Query], Reply]


def find(query: Query, exchange: Exchange, symbol: str) -> Instrument | None:
    """Return an exchange's contract by its exact symbol; None if there is none."""
    return next((each for each in query.source.instruments(exchange) if each.symbol == symbol), None)


def parse_integer(sent: str) -> int:
    """Parse an integer of at most 14 digits, a time or a count. Raises ValueError for anything else."""
    if not sent.isdecimal() or len(sent) > 14:
        raise ValueError(f"not a time or a count: {sent!r}")
    return int(sent)


def text(value: float | None, places: int) -> str:
    """Format a number with a fixed count of decimals; None and NaN give an empty string."""
    return "" if value is None or math.isnan(value) else f"{value:.{places}f}"


def plain(value: float | None, places: int = 8) -> str:
    """Format a number without trailing zeros."""
    out = text(value, places)
    return out.rstrip("0").rstrip(".") if "." in out else out


def ten_to_minus(places: int) -> str:
    """Return the smallest step of numbers with `places` decimals."""
    return text(10.0**-places, places)


def column(values: Floats | None, places: int, count: int) -> list[str]:
    """Format a column of numbers; None gives `count` empty strings."""
    if values is None:
        return [""] * count
    return [text(value, places) for value in values.tolist()]


def integers(values: Ints) -> list[int]:
    """Convert a column to Python integers."""
    return [int(value) for value in values.tolist()]


def forward(query: Query, contract: Instrument, step: Interval, start: int, end: int, limit: int) -> tuple[int, int]:
    """Return the range of the first ``limit`` borders from ``start`` on, both ends included."""
    first = step.ceil(max(start, contract.launch_ms))
    return first, min(end, first + (limit - 1) * step.length_ms) if query.source.dense else end


def backward(query: Query, contract: Instrument, step: Interval, start: int, end: int, limit: int) -> tuple[int, int]:
    """Return the range of the last ``limit`` borders up to ``end``, both ends included."""
    start = max(start, contract.launch_ms)
    return max(start, step.floor(end) - (limit - 1) * step.length_ms) if query.source.dense else start, end
