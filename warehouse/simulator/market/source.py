"""The interface of a market, simulated or recorded, to the wire servers.

Amounts are native units of the contract (coins x ``1/multiplier``), of one side; prices are USD per native unit. Every
method takes the current instant, beyond which no data exist, or a range that ends before it.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from warehouse.simulator.market.listing import Exchange, Instrument
from warehouse.simulator.market.prices import Floats, Ints
from warehouse.simulator.market.tiers import Tier

BarKind = Literal["trade", "mark", "index", "premium"]
Crowd = Literal["accounts", "large_accounts", "large_positions"]
HOUR_MS = 3_600_000
FUNDING_MS = 8 * HOUR_MS


@dataclass(frozen=True)
class Interval:
    """Bars of a fixed length, with borders at ``offset_ms`` beyond multiples of the length since 1970."""

    length_ms: int
    offset_ms: int = 0

    def floor(self, at_ms: int) -> int:
        """Return the border at or before an instant."""
        return at_ms - (at_ms - self.offset_ms) % self.length_ms

    def ceil(self, at_ms: int) -> int:
        """Return the border at or after an instant."""
        return -((-at_ms + self.offset_ms) // self.length_ms) * self.length_ms + self.offset_ms

    def borders(self, first_ms: int, last_ms: int) -> Ints:
        """Return all borders from the first to the last instant, both included."""
        return np.arange(self.ceil(first_ms), last_ms + 1, self.length_ms, dtype=np.int64)


@dataclass(frozen=True)
class OpenInterest:
    """One-sided open interest in native units, and the mark price that values it."""

    ts_ms: Ints
    units: Floats
    price: Floats


def no_interest() -> OpenInterest:
    """Return open interest without a snapshot."""
    return OpenInterest(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))


@dataclass(frozen=True)
class Bars:
    """Price bars; unknown columns of traded volume are None."""

    open_ms: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats | None = None
    turnover: Floats | None = None
    taker_buy: Floats | None = None
    trades: Ints | None = None


def no_bars() -> Bars:
    """Return bars without a row."""
    return Bars(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))


@dataclass(frozen=True)
class Flow:
    """Taker buys and sells, in native units, of the period that ends at each time; and its mean price."""

    end_ms: Ints
    buy: Floats
    sell: Floats
    price: Floats


@dataclass(frozen=True)
class Shares:
    """Share of longs at each time, between 0 and 1."""

    ts_ms: Ints
    long: Floats


@dataclass(frozen=True)
class Funding:
    """Settled funding, and the mark price at each settlement."""

    ts_ms: Ints
    rate: Floats
    mark: Floats


@dataclass(frozen=True)
class Quote:
    """Prices of one instant; None where unknown."""

    ts_ms: int
    last: float | None
    mark: float | None
    index: float | None
    funding_rate: float | None


@dataclass(frozen=True)
class Liquidations:
    """Liquidated positions, oldest first; ``long`` is 1 for a long position, 0 for a short one."""

    ts_ms: Ints
    long: Ints
    units: Floats
    bankruptcy_price: Floats


class Source(Protocol):
    """A market with its history."""

    label: str
    dense: bool  # every border since the launch has data, so that a page's range is known before its data

    def __hash__(self) -> int:
        """Hash by identity: the data of a source never change."""

    def instruments(self, exchange: Exchange) -> tuple[Instrument, ...]:
        """Return all contracts of one exchange."""

    def tiers(self, instrument: Instrument) -> tuple[Tier, ...]:
        """Return the current margin tiers; empty if unknown."""

    def open_interest(self, instrument: Instrument, interval: Interval, first_ms: int, last_ms: int) -> OpenInterest:
        """Return the snapshots on the borders of an interval, from the first to the last instant, both included."""

    def open_interest_now(self, instrument: Instrument, now_ms: int) -> OpenInterest:
        """Return the newest snapshot: one row, or none."""

    def bars(
        self, instrument: Instrument, kind: BarKind, interval: Interval, first_ms: int, last_ms: int, now_ms: int
    ) -> Bars:
        """Return the bars that open from the first to the last instant; an open one is as of ``now_ms``."""

    def shares(self, instrument: Instrument, crowd: Crowd, interval: Interval, first_ms: int, last_ms: int) -> Shares:
        """Return the shares of longs on the borders of an interval."""

    def flow(self, instrument: Instrument, interval: Interval, first_ms: int, last_ms: int) -> Flow:
        """Return the taker volume of the periods that end from the first to the last instant."""

    def funding(self, instrument: Instrument, first_ms: int, last_ms: int) -> Funding:
        """Return the funding settled from the first to the last instant."""

    def quote(self, instrument: Instrument, now_ms: int) -> Quote:
        """Return the current prices."""

    def liquidations(self, instrument: Instrument, first_ms: int, last_ms: int) -> Liquidations:
        """Return the liquidations from the first to the last instant."""
