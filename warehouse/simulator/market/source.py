"""What the wire servers ask of the world behind them, simulated or recorded.

Amounts are native units of the contract (coins x ``1/multiplier``), of one side; prices are USD for one native unit.
Every method gets the instant beyond which nothing is known, or is asked for a range that ends before it.
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
    """Bars of a fixed length, whose borders lie at ``offset_ms`` beyond multiples of the length since 1970."""

    length_ms: int
    offset_ms: int = 0

    def floor(self, at_ms: int) -> int:
        """The border at or before an instant."""
        return at_ms - (at_ms - self.offset_ms) % self.length_ms

    def ceil(self, at_ms: int) -> int:
        """The border at or after an instant."""
        return -((-at_ms + self.offset_ms) // self.length_ms) * self.length_ms + self.offset_ms

    def borders(self, first_ms: int, last_ms: int) -> Ints:
        """All borders from the first to the last instant, both included."""
        return np.arange(self.ceil(first_ms), last_ms + 1, self.length_ms, dtype=np.int64)


@dataclass(frozen=True)
class OpenInterest:
    """One-sided open interest in native units, and the mark price that values it."""

    ts_ms: Ints
    units: Floats
    price: Floats


def no_interest() -> OpenInterest:
    """No snapshot."""
    return OpenInterest(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))


@dataclass(frozen=True)
class Bars:
    """Price bars; what is not known of traded volume is None."""

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
    """No bar."""
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
    """Funding as it was settled, and the mark price then."""

    ts_ms: Ints
    rate: Floats
    mark: Floats


@dataclass(frozen=True)
class Quote:
    """Prices of one instant; None where they are not known."""

    ts_ms: int
    last: float | None
    mark: float | None
    index: float | None
    funding_rate: float | None


@dataclass(frozen=True)
class Liquidations:
    """Positions taken over, oldest first; ``long`` is the side of the position."""

    ts_ms: Ints
    long: Ints
    units: Floats
    bankruptcy_price: Floats


class Source(Protocol):
    """A market that can be asked about its past."""

    label: str
    dense: bool  # every border of an interval since the launch has data, so that a page can be cut before asking

    def __hash__(self) -> int:
        """Of the object: what it says never changes."""

    def instruments(self, exchange: Exchange) -> tuple[Instrument, ...]:
        """All contracts of one exchange."""

    def tiers(self, instrument: Instrument) -> tuple[Tier, ...]:
        """Margin tiers now; none where they are not known."""

    def open_interest(self, instrument: Instrument, interval: Interval, first_ms: int, last_ms: int) -> OpenInterest:
        """Snapshots on the borders of an interval, from the first to the last instant, both included."""

    def open_interest_now(self, instrument: Instrument, now_ms: int) -> OpenInterest:
        """The newest snapshot: one row, or none."""

    def bars(
        self, instrument: Instrument, kind: BarKind, interval: Interval, first_ms: int, last_ms: int, now_ms: int
    ) -> Bars:
        """Bars whose open lies from the first to the last instant; the one still open as it is at ``now_ms``."""

    def shares(self, instrument: Instrument, crowd: Crowd, interval: Interval, first_ms: int, last_ms: int) -> Shares:
        """Long shares on the borders of an interval."""

    def flow(self, instrument: Instrument, interval: Interval, first_ms: int, last_ms: int) -> Flow:
        """Taker volume of the periods that end from the first to the last instant."""

    def funding(self, instrument: Instrument, first_ms: int, last_ms: int) -> Funding:
        """Funding settled from the first to the last instant."""

    def quote(self, instrument: Instrument, now_ms: int) -> Quote:
        """Prices as they stand."""

    def liquidations(self, instrument: Instrument, first_ms: int, last_ms: int) -> Liquidations:
        """Liquidations from the first to the last instant."""
