"""The traders: the habits of each exchange's crowd, and the positions that it opens on one day."""

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from warehouse.simulator.market.liquidation import Ladder
from warehouse.simulator.market.listing import COINS, EXCHANGES, Exchange, Instrument
from warehouse.simulator.market.prices import Floats, Ints, Path
from warehouse.simulator.market.seeds import DAY_MS, stream

LONGEST_LIFE_MS = 21 * DAY_MS
MOMENTUM_MS = 4 * 3_600_000
BINS = 288
POPULAR_LEVERAGE: Floats = np.array([1, 2, 3, 5, 10, 15, 20, 25, 50, 75, 100, 125, 150], dtype=np.float64)
MAX_Z = 3.2


@dataclass(frozen=True)
class Habits:
    """The habits of one crowd, in three classes: holders, swing traders, scalpers. Arrays have one entry per class."""

    share: Floats
    leverage: Floats
    leverage_sigma: Floats
    life_days: Floats
    life_sigma: Floats
    size: Floats
    hedged: Floats
    momentum: Floats  # how strongly the chance of a long follows the last four hours; below 0: buys dips
    patience: float  # share of losing positions held beyond their plan
    stops: float = 0.0  # share of positions with a stop order on the way to their liquidation price
    size_sigma: float = 1.4
    activity: float = 1.0  # factor on the coin's entries per day
    hedge_share: float = 0.18  # position of unleveraged holders on both sides, relative to the target open interest
    churn_a_day: float = 1.6  # daily volume without a lasting change of positions, relative to open interest

    def mean_holding_days(self) -> float:
        """Return the expected size x holding days of one entry, hedged ones included, before liquidations."""
        life = np.minimum(self.life_days * np.exp(self.life_sigma**2 / 2), 12.0)
        return float(np.sum(self.share * self.size * life)) * float(np.exp(self.size_sigma**2 / 2))


@dataclass(frozen=True)
class Entries:
    """Positions as opened and planned by their owners. Times in ms, amounts in whole lots, prices in USD per coin."""

    entry_ms: Ints
    side: Ints  # +1 long, -1 short
    entry_price: Floats
    lots: Ints
    leverage: Floats
    margin_usd: Floats
    planned_ms: Ints
    extension: Floats  # factor on the planned holding time of a position that loses at its planned end
    hedged: NDArray[np.bool_]
    taker: NDArray[np.bool_]
    closes_as_taker: NDArray[np.bool_]
    stop: Floats  # share of the way to the liquidation price at which the owner closes; NaN: no stop


def concatenate_entries(days: list[Entries]) -> Entries:
    """Concatenate the entries of several days, in order."""
    return Entries(*(np.concatenate([getattr(day, field.name) for day in days]) for field in fields(Entries)))


@lru_cache(maxsize=64)
def habits_of(seed: int, exchange: Exchange) -> Habits:
    """Draw the habits of an exchange's crowd, which differ by exchange and by seed."""
    g = stream(seed, "habits", exchange)
    share = np.array([0.25, 0.33, 0.42]) * g.lognormal(0.0, 0.12, 3)
    return Habits(
        share=share / share.sum(),
        leverage=np.array([3.2, 8.5, 32.0]) * g.lognormal(0.0, 0.10, 3),
        leverage_sigma=np.array([0.50, 0.50, 0.55]),
        life_days=np.array([3.6, 0.85, 0.12]) * g.lognormal(0.0, 0.2, 3),
        life_sigma=np.array([0.9, 0.9, 1.0]),
        size=np.array([1.3, 1.2, 1.3]) * g.lognormal(0.0, 0.1, 3),
        hedged=np.array([0.22, 0.06, 0.0]),
        momentum=np.array([-0.08, 0.08, 0.2]) + g.normal(0.0, 0.03, 3),
        patience=float(g.uniform(0.4, 0.7)),
    )


def _entry_times(g: np.random.Generator, path: Path, day: int, count: int) -> Ints:
    """Draw entry times: more in five-minute bins with a larger price move."""
    edges = np.arange(BINS + 1) * (DAY_MS // BINS) + day * DAY_MS
    moves = np.abs(np.diff(np.log(path.at(edges))))
    weight = np.cumsum(0.5 + moves / (np.mean(moves) + 1e-12))
    at = np.interp(g.uniform(0.0, weight[-1], count), np.append(0.0, weight), edges.astype(np.float64))
    return np.sort(at.astype(np.int64))


def _leverage(g: np.random.Generator, habits: Habits, kind: Ints) -> Floats:
    drawn = habits.leverage[kind] * np.exp(habits.leverage_sigma[kind] * g.standard_normal(len(kind)))
    nearest = POPULAR_LEVERAGE[np.argmin(np.abs(np.log(POPULAR_LEVERAGE[None, :] / drawn[:, None])), axis=1)]
    popular = g.random(len(kind)) < 0.6
    return np.clip(np.where(popular, nearest, np.round(drawn)), 1.0, 150.0)


def _sizes(g: np.random.Generator, instrument: Instrument, habits: Habits, kind: Ints) -> Ints:
    coin = COINS[instrument.coin]
    exchange = EXCHANGES.index(instrument.exchange)
    per_side = habits.activity * coin.entries_per_day[exchange] / 2 * habits.mean_holding_days()
    scale = 0.75 * coin.one_sided_base[exchange] / per_side / coin.lot_base
    heavy = np.exp(habits.size_sigma * np.minimum(g.standard_normal(len(kind)), MAX_Z))
    lots: Ints = np.maximum(1, scale * habits.size[kind] * heavy).astype(np.int64)
    return lots


def _margin(g: np.random.Generator, notional: Floats, leverage: Floats) -> Floats:
    """Draw margins in USD: mostly the initial margin; some traders add to it, a few share an account (cross)."""
    luck = g.random(len(notional))
    added = np.where(luck < 0.25, g.exponential(0.6, len(notional)), 0.0)
    added = np.where(luck > 0.92, g.exponential(2.0, len(notional)), added)
    return notional / leverage * (1.0 + added)


def enter(
    seed: int, instrument: Instrument, habits: Habits, ladder: Ladder, path: Path, day: int, volatility: float
) -> Entries:
    """Draw all positions opened on one day. ``path`` is the mark, from at least the day before."""
    g = stream(seed, "entries", instrument.exchange, instrument.coin, day)
    coin = COINS[instrument.coin]
    rate = habits.activity * coin.entries_per_day[EXCHANGES.index(instrument.exchange)] * volatility**0.4
    count = int(g.poisson(rate))
    entry_ms = _entry_times(g, path, day, count)
    price = path.at(entry_ms)
    kind = g.choice(3, size=count, p=habits.share).astype(np.int64)
    moved = np.log(price / path.at(entry_ms - MOMENTUM_MS)) / 0.012
    long_chance = 0.5 + habits.momentum[kind] * np.tanh(moved) + g.normal(0.0, 0.02)
    side = np.where(g.random(count) < long_chance, 1, -1).astype(np.int64)
    lots = _sizes(g, instrument, habits, kind)
    base = lots * coin.lot_base
    allowed = ladder.leverage[ladder.of_position(base, price)]
    leverage = np.minimum(_leverage(g, habits, kind), np.floor(allowed))
    life = habits.life_days[kind] * np.sqrt(habits.leverage[kind] / leverage)
    life = life * np.exp(habits.life_sigma[kind] * g.standard_normal(count)) * DAY_MS
    patient = (g.random(count) < habits.patience) * g.exponential(1.0, count)
    return Entries(
        entry_ms=entry_ms,
        side=side,
        entry_price=price,
        lots=lots,
        leverage=leverage,
        margin_usd=_margin(g, base * price, leverage),
        planned_ms=entry_ms + np.clip(life, 30_000, LONGEST_LIFE_MS).astype(np.int64),
        extension=1.0 + patient,
        hedged=g.random(count) < habits.hedged[kind],
        taker=g.random(count) < 0.72,
        closes_as_taker=g.random(count) < 0.6,
        stop=np.where(g.random(count) < habits.stops, g.uniform(0.3, 0.95, count), np.nan),
    )
