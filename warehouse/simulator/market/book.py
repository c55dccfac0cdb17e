"""The position book of one contract: open positions and taker volume, by week.

A week starts at a multiple of seven days since 1970. It is built from the positions entered in it and in the three
weeks before, the longest holding period, so it does not depend on earlier requests or on the start of the process.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warehouse.simulator.market.crowd import LONGEST_LIFE_MS, Habits, concatenate_entries, enter
from warehouse.simulator.market.liquidation import Ladder
from warehouse.simulator.market.listing import COINS, EXCHANGES, Instrument
from warehouse.simulator.market.positions import Positions, concatenate_positions, follow_entries
from warehouse.simulator.market.prices import Floats, Ints, Prices
from warehouse.simulator.market.seeds import DAY_MS, stream

WEEK_DAYS = 7
WEEK_MS = WEEK_DAYS * DAY_MS
LIFE_DAYS = LONGEST_LIFE_MS // DAY_MS
KEPT_DAYS = 45
LARGE = 3.0  # multiple of the median size from which a trader is large: roughly the largest fifth

# columns of the state
LONG, SHORT, LONGS, SHORTS, BIG_LONG, BIG_SHORT, BIG_LONGS, BIG_SHORTS = range(8)


class Week:
    """Seven days of one contract: its positions, and the running sums of state and taker volume."""

    def __init__(self, start_ms: int, positions: Positions, large_lots: float, churn: Ints, bin_ms: int) -> None:
        self.start_ms, self.end_ms = start_ms, start_ms + WEEK_MS
        self.positions = positions.where(positions.exit_ms > start_ms)
        self._bin_ms, self._churn = bin_ms, np.concatenate([np.zeros((1, 2), np.int64), np.cumsum(churn, axis=0)])
        self._state_at, self._state = self._run_state(large_lots)
        self._flow_at, self._flow = self._run_flow()

    def _run_state(self, large_lots: float) -> tuple[Ints, NDArray[np.integer[Any]]]:
        p = self.positions
        long, big = p.side == 1, p.lots >= large_lots
        one = np.ones_like(p.lots)
        rows = np.stack(
            [
                column * mask
                for group in (np.ones_like(long), big)
                for column in (p.lots, one)
                for mask in (long & group, ~long & group)
            ],
            axis=1,
        )
        at = np.concatenate([p.entry_ms, p.exit_ms])
        moments, state = _running(at, np.concatenate([rows, -rows]), self.end_ms)
        # 32 bits if they suffice: a week of a large market has a hundred thousand rows
        return moments, state.astype(np.int32) if state.max(initial=0) < 2**31 else state

    def _run_flow(self) -> tuple[Ints, Ints]:
        p = self.positions
        at = np.concatenate([p.entry_ms, p.exit_ms])
        buys = np.concatenate([p.buys_to_open, p.buys_to_close])
        lots = np.concatenate([p.lots, p.lots])
        inside = at >= self.start_ms
        flow = np.stack([lots * buys, lots * ~buys], axis=1)
        return _running(at[inside], flow[inside], self.end_ms)

    def state(self, at_ms: Ints) -> Ints:
        """Return the open lots and positions at each instant, by side, of all and of large traders (8 columns)."""
        return self._state[np.searchsorted(self._state_at, at_ms, side="right")].astype(np.int64)

    def traded(self, at_ms: Ints) -> Ints:
        """Return the lots that takers bought and sold from the week's start until just before each instant."""
        flow = self._flow[np.searchsorted(self._flow_at, at_ms, side="left")]
        index, rest = np.divmod(at_ms - self.start_ms, self._bin_ms)
        after = np.minimum(index + 1, len(self._churn) - 1)
        part = (self._churn[after] - self._churn[index]) * rest[:, None] // self._bin_ms
        total: Ints = flow + self._churn[index] + part
        return total


def _running(at: Ints, change: Ints, end_ms: int) -> tuple[Ints, Ints]:
    order = np.argsort(at, kind="stable")
    order = order[at[order] < end_ms]
    zero = np.zeros((1, change.shape[1]), np.int64)
    return at[order], np.concatenate([zero, np.cumsum(change[order], axis=0)])


class Book:
    """All weeks of one contract, built on demand."""

    def __init__(self, prices: Prices, instrument: Instrument, ladder: Ladder, habits: Habits) -> None:
        self.prices, self.instrument, self.ladder, self.habits = prices, instrument, ladder, habits
        self.coin = COINS[instrument.coin]
        self.target_lots = self.coin.one_sided_base[EXCHANGES.index(instrument.exchange)] / self.coin.lot_base
        self._days: dict[int, Positions] = {}
        self._hedge_knot = lru_cache(maxsize=512)(self._draw_hedge_knot)
        self.week = lru_cache(maxsize=5)(self._build)  # a request may span a little more than three weeks

    def _build(self, number: int) -> Week:
        """Build the week that starts at ``number`` x seven days since 1970."""
        first = number * WEEK_DAYS
        wanted = range(first - LIFE_DAYS, first + WEEK_DAYS)
        self._enter_missing([day for day in wanted if day not in self._days])
        positions = concatenate_positions([self._days[day] for day in wanted])
        entries = self.habits.activity * self.coin.entries_per_day[EXCHANGES.index(self.instrument.exchange)]
        large = LARGE * 0.75 * self.target_lots / max(entries * 3.0, 1.0)
        bin_ms = max(60_000, self.coin.step_ms)
        churn = np.concatenate([self._churn(day, bin_ms) for day in range(first, first + WEEK_DAYS)])
        return Week(first * DAY_MS, positions, large, churn, bin_ms)

    def _enter_missing(self, days: list[int]) -> None:
        if not days:
            return
        self._days = {day: positions for day, positions in self._days.items() if abs(day - days[0]) < KEPT_DAYS}
        exchange, coin = self.instrument.exchange, self.instrument.coin
        path = self.prices.path(exchange, coin, "mark", days[0] - 1, days[-1] + LIFE_DAYS + 1)
        entered = [
            enter(self.prices.seed, self.instrument, self.habits, self.ladder, path, day, self.prices.volatility(day))
            for day in days
        ]
        positions = follow_entries(self.instrument, self.ladder, path, concatenate_entries(entered))
        ends = np.cumsum([len(each.entry_ms) for each in entered])
        for day, start, end in zip(days, [0, *ends[:-1]], ends, strict=True):
            self._days[day] = positions.where(slice(int(start), int(end)))

    def _churn(self, day: int, bin_ms: int) -> Ints:
        """Draw the taker volume of market makers and arbitrageurs, in lots per bin; buys follow the price."""
        path = self.prices.path(self.instrument.exchange, self.instrument.coin, "mark", day, day)
        edges = np.arange(DAY_MS // bin_ms + 1, dtype=np.int64) * bin_ms + day * DAY_MS
        move = np.diff(np.log(path.at(edges)))
        size = move / (float(np.sqrt(np.mean(move**2))) + 1e-12)
        g = stream(self.prices.seed, "churn", self.instrument.exchange, self.instrument.coin, day)
        amount = g.lognormal(-0.18, 0.6, len(move)) * (0.45 + 0.75 * np.abs(size)) * self.prices.volatility(day)
        amount *= self.habits.churn_a_day * self.target_lots / len(move)
        bought = np.clip(0.5 + 0.1 * np.tanh(size) + 0.04 * g.standard_normal(len(move)), 0.05, 0.95)
        return np.stack([amount * bought, amount * (1.0 - bought)], axis=1).astype(np.int64)

    def _draw_hedge_knot(self, day: int) -> float:
        g = stream(self.prices.seed, "hedge", self.instrument.exchange, self.instrument.coin, day)
        return self.habits.hedge_share * float(np.exp(0.08 * g.standard_normal()))

    def hedged_lots(self, at_ms: Ints) -> Ints:
        """Return the lots of unleveraged holders on both sides: spot hedged with a perpetual, and the reverse."""
        day, rest = np.divmod(at_ms, DAY_MS)
        knots: Floats = np.array([self._hedge_knot(int(d)) for d in range(int(day.min()), int(day.max()) + 2)])
        index = day - day.min()
        share = knots[index] + (knots[index + 1] - knots[index]) * (rest / DAY_MS)
        lots: Ints = np.floor(share * self.target_lots).astype(np.int64)
        return lots

    def state(self, at_ms: Ints) -> Ints:
        """Return the open lots and positions at each instant, over as many weeks as needed (8 columns)."""
        number = at_ms // WEEK_MS
        state = np.zeros((len(at_ms), 8), np.int64)
        for each in np.unique(number):
            chosen = number == each
            state[chosen] = self.week(int(each)).state(at_ms[chosen])
        return state

    def traded(self, start_ms: Ints, end_ms: Ints) -> Ints:
        """Return the taker buys and sells of each [start, end), in lots."""
        number = start_ms // WEEK_MS
        border = np.minimum((number + 1) * WEEK_MS, end_ms)
        within = self._until(number, border) - self._until(number, start_ms)
        rest = np.where(end_ms > border)[0]
        while len(rest):  # bars that extend into later weeks
            later = border[rest]
            border[rest] = np.minimum(later + WEEK_MS, end_ms[rest])
            within[rest] += self._until(later // WEEK_MS, border[rest])
            rest = rest[end_ms[rest] > border[rest]]
        return within

    def _until(self, number: Ints, at_ms: Ints) -> Ints:
        """Return the lots traded from the start of the numbered week until just before an instant, or its end."""
        traded = np.zeros((len(at_ms), 2), np.int64)
        for each in np.unique(number):
            chosen = number == each
            traded[chosen] = self.week(int(each)).traded(at_ms[chosen])
        return traded

    def open_lots(self, at_ms: Ints) -> Ints:
        """Return the open interest of one side in lots: the traders' larger side plus the hedgers' lots."""
        state = self.state(at_ms)
        return np.maximum(state[:, LONG], state[:, SHORT]) + self.hedged_lots(at_ms)
