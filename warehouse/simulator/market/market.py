"""The simulated market of one seed, with prices, crowds and positions, as a source for the wire servers.

Data depend on the seed and on absolute time only, not on the time of a request.
"""

import numpy as np

from warehouse.simulator.market.book import BIG_LONG, BIG_LONGS, BIG_SHORT, BIG_SHORTS, LONGS, SHORTS
from warehouse.simulator.market.liquidation import bankruptcy_prices
from warehouse.simulator.market.listing import COINS, Exchange, Instrument, listed
from warehouse.simulator.market.prices import Ints, Path
from warehouse.simulator.market.source import (
    FUNDING_MS,
    HOUR_MS,
    BarKind,
    Bars,
    Crowd,
    Flow,
    Funding,
    Interval,
    Liquidations,
    OpenInterest,
    Quote,
    Shares,
    no_bars,
)
from warehouse.simulator.market.truth import Truth

CROWD_COLUMNS: dict[Crowd, tuple[int, int]] = {
    "accounts": (LONGS, SHORTS),
    "large_accounts": (BIG_LONGS, BIG_SHORTS),
    "large_positions": (BIG_LONG, BIG_SHORT),
}
INTEREST_RATE = 0.0001


class Market(Truth):
    """All contracts of one seed. Thread-safe."""

    label = "simulated"
    dense = True

    def instruments(self, exchange: Exchange) -> tuple[Instrument, ...]:
        """Return all contracts of one exchange."""
        return listed(exchange)

    def _interest_at(self, contract: Instrument, at_ms: Ints) -> OpenInterest:
        if not len(at_ms):
            return OpenInterest(at_ms, np.zeros(0), np.zeros(0))
        with self.lock:
            lots = self.book(contract).open_lots(at_ms)
        return OpenInterest(at_ms, self.units(contract, lots), self.price_at(contract, "mark", at_ms))

    def open_interest(self, instrument: Instrument, interval: Interval, first_ms: int, last_ms: int) -> OpenInterest:
        """Return the open interest of one side on the borders of an interval."""
        return self._interest_at(instrument, interval.borders(max(first_ms, instrument.launch_ms), last_ms))

    def open_interest_now(self, instrument: Instrument, now_ms: int) -> OpenInterest:
        """Return the open interest of one side at an instant."""
        return self._interest_at(instrument, np.array([now_ms], dtype=np.int64))

    def bars(
        self, instrument: Instrument, kind: BarKind, interval: Interval, first_ms: int, last_ms: int, now_ms: int
    ) -> Bars:
        """Return bars; the last one may still be open."""
        opened = interval.borders(max(first_ms, instrument.launch_ms), min(last_ms, now_ms))
        if not len(opened):
            return no_bars()
        end = np.minimum(opened + interval.length_ms, now_ms)
        if kind == "premium":
            return self._premium_bars(instrument, opened, end)
        path = self.path(instrument, kind, int(opened[0]), int(end[-1]))
        first, high, low, last = (part * instrument.multiplier for part in path.ohlc(opened, end))
        if kind != "trade":
            return Bars(opened, first, high, low, last)
        with self.lock:
            traded = self.units(instrument, self.book(instrument).traded(opened, end))
        volume = traded.sum(axis=1)
        turnover = volume * (first + high + low + last) / 4.0
        trades = (turnover / 4_000.0).astype(np.int64) + (volume > 0)
        return Bars(opened, first, high, low, last, volume, turnover, traded[:, 0], trades)

    def _premium_bars(self, instrument: Instrument, opened: Ints, end: Ints) -> Bars:
        mark = self.path(instrument, "mark", int(opened[0]), int(end[-1]))
        index = self.path(instrument, "index", int(opened[0]), int(end[-1]))
        premium = Path(mark.start_ms, mark.step_ms, mark.nodes / index.nodes - 1.0)
        first, high, low, last = premium.ohlc(opened, end)
        return Bars(opened, first, high, low, last)

    def shares(self, instrument: Instrument, crowd: Crowd, interval: Interval, first_ms: int, last_ms: int) -> Shares:
        """Return the share of longs among accounts, large accounts, or the positions of large accounts."""
        at = interval.borders(max(first_ms, instrument.launch_ms), last_ms)
        if not len(at):
            return Shares(at, np.zeros(0))
        with self.lock:
            state = self.book(instrument).state(at)
        long, short = (state[:, column] + 1 for column in CROWD_COLUMNS[crowd])
        return Shares(at, long / (long + short))

    def flow(self, instrument: Instrument, interval: Interval, first_ms: int, last_ms: int) -> Flow:
        """Return the taker buys and sells of the periods that end in a range."""
        end = interval.borders(max(first_ms, instrument.launch_ms), last_ms)
        if not len(end):
            return Flow(end, *[np.zeros(0)] * 3)
        with self.lock:
            traded = self.units(instrument, self.book(instrument).traded(end - interval.length_ms, end))
        return Flow(end, traded[:, 0], traded[:, 1], self.price_at(instrument, "mark", end))

    def funding(self, instrument: Instrument, first_ms: int, last_ms: int) -> Funding:
        """Return the funding every eight hours, from the mean premium of the eight hours before."""
        at = Interval(FUNDING_MS).borders(max(first_ms, instrument.launch_ms), last_ms)
        if not len(at):
            return Funding(at, np.zeros(0), np.zeros(0))
        rates = np.array([self.funding_rate(instrument, int(end)) for end in at])
        return Funding(at, rates, self.price_at(instrument, "mark", at))

    def funding_rate(self, instrument: Instrument, end_ms: int) -> float:
        """Return the funding rate that follows from the premium of the eight hours before an instant."""
        at = np.arange(end_ms - FUNDING_MS, end_ms + 1, HOUR_MS // 4)
        premium = self.price_at(instrument, "mark", at) / self.price_at(instrument, "index", at) - 1.0
        mean = float(np.mean(premium))
        return float(np.clip(mean + np.clip(INTEREST_RATE - mean, -0.0005, 0.0005), -0.003, 0.003))

    def quote(self, instrument: Instrument, now_ms: int) -> Quote:
        """Return the current prices."""
        at = np.array([now_ms], dtype=np.int64)
        last, mark, index = (float(self.price_at(instrument, kind, at)[0]) for kind in ("trade", "mark", "index"))
        return Quote(now_ms, last, mark, index, self.funding_rate(instrument, now_ms))

    def liquidations(self, instrument: Instrument, first_ms: int, last_ms: int) -> Liquidations:
        """Return all liquidations of a range, oldest first."""
        p = self.liquidated(instrument, first_ms, last_ms)
        base = p.lots * COINS[instrument.coin].lot_base
        price = bankruptcy_prices(p.entry_price, base, p.margin_usd, p.side.astype(np.float64))
        long = (p.side == 1).astype(np.int64)
        return Liquidations(p.exit_ms, long, base / instrument.multiplier, price * instrument.multiplier)
