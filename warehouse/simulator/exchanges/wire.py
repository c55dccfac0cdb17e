"""What the three wire servers share: a request and its answer, numbers as text, and how a page is cut."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from warehouse.simulator.market.listing import Exchange, Instrument
from warehouse.simulator.market.prices import Floats, Ints
from warehouse.simulator.market.source import Interval, Source

DAY_MS = 86_400_000
MINUTE_MS = 60_000
LONG_AGO_MS = 1_262_304_000_000  # 2010-01-01: where a range begins that has no beginning


@dataclass(frozen=True)
class Reply:
    """An answer: of bytes as they are, of anything else as JSON."""

    body: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = "application/json"


class RefusedError(Exception):
    """The exchange answers with an error."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply.body))
        self.reply = reply


@dataclass(frozen=True)
class Ask:
    """One request: its parameters, the market, the clock, and whether old data is walled off."""

    params: Mapping[str, str]
    source: Source
    now_ms: int
    walls: bool = True

    def get(self, name: str) -> str:
        """A parameter, empty if it was not sent."""
        return self.params.get(name, "")


Handler = Callable[[Ask], Reply]


def find(ask: Ask, exchange: Exchange, symbol: str) -> Instrument | None:
    """The contract of an exchange with this very name."""
    return next((each for each in ask.source.instruments(exchange) if each.symbol == symbol), None)


def whole_number(sent: str) -> int:
    """A whole number that can be a time or a count; ValueError for anything else."""
    if not sent.isdecimal() or len(sent) > 14:
        raise ValueError(f"not a time or a count: {sent!r}")
    return int(sent)


def text(value: float | None, places: int) -> str:
    """A number with a fixed count of decimals; what is not known is the empty text."""
    return "" if value is None or math.isnan(value) else f"{value:.{places}f}"


def plain(value: float | None, places: int = 8) -> str:
    """A number without trailing zeros."""
    out = text(value, places)
    return out.rstrip("0").rstrip(".") if "." in out else out


def ten_to_minus(places: int) -> str:
    """The step of a number with so many decimals."""
    return text(10.0**-places, places)


def column(values: Floats | None, places: int, count: int) -> list[str]:
    """A column of numbers as text; empty texts where the column is not known."""
    if values is None:
        return [""] * count
    return [text(value, places) for value in values.tolist()]


def whole(values: Ints) -> list[int]:
    """A column of whole numbers."""
    return [int(value) for value in values.tolist()]


def forward(ask: Ask, contract: Instrument, step: Interval, start: int, end: int, limit: int) -> tuple[int, int]:
    """The range of the first ``limit`` borders from ``start`` on, both ends included."""
    first = step.ceil(max(start, contract.launch_ms))
    return first, min(end, first + (limit - 1) * step.length_ms) if ask.source.dense else end


def backward(ask: Ask, contract: Instrument, step: Interval, start: int, end: int, limit: int) -> tuple[int, int]:
    """The range of the last ``limit`` borders up to ``end``, both ends included."""
    start = max(start, contract.launch_ms)
    return max(start, step.floor(end) - (limit - 1) * step.length_ms) if ask.source.dense else start, end
