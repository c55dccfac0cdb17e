"""Price paths: an index for each coin and a mark for each exchange, as functions of seed and absolute time.

A path is drawn in whole days. A day's returns depend on its own random stream only. Its level is the sum of the returns
of the 240 days before, with decaying weights, so any day can be drawn without all earlier ones, and the price reverts
to its anchor.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from warehouse.simulator.market.listing import COINS, Coin, Exchange
from warehouse.simulator.market.seeds import DAY_MS, stream

Floats: TypeAlias = NDArray[np.floating[Any]]
Ints: TypeAlias = NDArray[np.int64]

MARKET_STEPS = 4320
MARKET_SIGMA = 0.021
MEMORY_DAYS = 240
PULL = 0.985
VOLATILITY_MEMORY_DAYS = 30
KNOTS_PER_DAY = 12
EXCHANGE_BASIS = {"binance": 0.0003, "bybit": 0.00035, "okx": 0.0003}

_age = np.arange(MEMORY_DAYS)
WEIGHTS: Floats = PULL**_age * np.clip(2.0 - 2.0 * _age / MEMORY_DAYS, 0.0, 1.0)
HOUR_SHAPE: Floats = 1.0 + 0.35 * np.cos((np.arange(24) - 15) / 24 * 2 * np.pi)


@dataclass(frozen=True)
class Path:
    """Prices at evenly spaced nodes; between nodes the price moves in a straight line."""

    start_ms: int
    step_ms: int
    nodes: Floats

    def at(self, at_ms: Ints) -> Floats:
        """Return the price at each instant, which must lie within the path."""
        index, rest = np.divmod(at_ms - self.start_ms, self.step_ms)
        after = np.minimum(index + 1, len(self.nodes) - 1)
        price: Floats = self.nodes[index] + (self.nodes[after] - self.nodes[index]) * (rest / self.step_ms)
        return price

    def ohlc(self, open_ms: Ints, end_ms: Ints) -> tuple[Floats, Floats, Floats, Floats]:
        """Return open, high, low and close of each bar [open, end], both ends included."""
        opened, closed = self.at(open_ms), self.at(end_ms)
        first = -((self.start_ms - open_ms) // self.step_ms)
        stop = (end_ms - self.start_ms) // self.step_ms + 1
        bounds = np.stack([first, np.maximum(stop, first + 1)], axis=1).ravel()
        padded = np.append(self.nodes, self.nodes[-1:])
        bounds = np.minimum(bounds, len(padded) - 1)
        inside = stop > first
        top = np.where(inside, np.maximum.reduceat(padded, bounds)[::2], opened)
        bottom = np.where(inside, np.minimum.reduceat(padded, bounds)[::2], opened)
        high = np.maximum(top, np.maximum(opened, closed))
        low = np.minimum(bottom, np.minimum(opened, closed))
        return opened, high, low, closed


class Prices:
    """The paths of one seed, drawn on demand and cached."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._shock = lru_cache(maxsize=4096)(self._draw_shock)
        self.volatility = lru_cache(maxsize=4096)(self._volatility)
        self._level = lru_cache(maxsize=20_000)(self._sum_level)
        self._market = lru_cache(maxsize=400)(lambda day: self._draw_returns("market", day, MARKET_STEPS, MARKET_SIGMA))
        self._total = lru_cache(maxsize=40_000)(self._draw_total)
        self._index = lru_cache(maxsize=2048)(self._draw_index)
        self._nodes = lru_cache(maxsize=4096)(self._draw_nodes)

    def path(self, exchange: Exchange, coin: str, kind: str, first_day: int, last_day: int) -> Path:
        """Return the "mark", "index" or "trade" path over whole days, with the first node of the day after them."""
        days = [self._nodes(exchange, coin, kind, day) for day in range(first_day, last_day + 1)]
        after = self._nodes(exchange, coin, kind, last_day + 1)[:1]
        return Path(first_day * DAY_MS, COINS[coin].step_ms, np.concatenate([*days, after]))

    def _draw_shock(self, day: int) -> float:
        return float(stream(self.seed, "volatility", day).standard_normal())

    def _volatility(self, day: int) -> float:
        """Return a day's volatility, around 1; volatile periods last about a week."""
        return math.exp(0.16 * math.fsum(0.85**age * self._shock(day - age) for age in range(VOLATILITY_MEMORY_DAYS)))

    def _draw_returns(self, name: str, day: int, steps: int, sigma: float) -> Floats:
        g = stream(self.seed, "returns", name, day)
        shape = np.repeat(g.lognormal(0.0, 0.3, 24) * HOUR_SHAPE, steps // 24)
        level = sigma * self.volatility(day) / math.sqrt(steps)
        returns = g.standard_normal(steps) * level
        for _ in range(min(int(g.poisson(0.7 * self.volatility(day))), 6)):
            at = int(g.integers(0, steps))
            size = float(g.choice((-1.0, 1.0)) * sigma * (0.25 + min(g.exponential(0.35), 1.5)))
            span = int(g.integers(1, max(2, steps // 288)))
            returns[at : at + span] += size / span
            shape[at : at + steps // 24] *= 1.7  # the hour after a jump is more volatile
        return returns * shape / math.sqrt(float(np.mean(shape**2)))

    def _draw_total(self, name: str, day: int) -> float:
        returns = self._market(day) if name == "market" else self._own_returns(COINS[name], day)
        return float(np.sum(returns))

    def _own_returns(self, coin: Coin, day: int) -> Floats:
        return self._draw_returns(coin.name, day, DAY_MS // coin.step_ms, coin.own_sigma)

    def _sum_level(self, name: str, day: int) -> float:
        totals = [self._total(name, day - 1 - age) for age in range(MEMORY_DAYS)]
        return math.fsum((WEIGHTS * np.array(totals)).tolist())

    def _log_nodes(self, name: str, day: int, returns: Floats) -> Floats:
        """Return the day's path in logarithms: its own returns, and a drift that joins it to the next day."""
        start, end = self._level(name, day), self._level(name, day + 1)
        walked = np.concatenate([[0.0], np.cumsum(returns)])
        pull = end - start - walked[-1]
        level: Floats = start + walked + pull * np.linspace(0.0, 1.0, len(walked))
        return level[:-1]

    def _draw_index(self, name: str, day: int) -> Floats:
        coin = COINS[name]
        own = self._log_nodes(name, day, self._own_returns(coin, day))
        market = self._log_nodes("market", day, self._market(day))[:: MARKET_STEPS // len(own)]
        return coin.price_usd * np.exp(own + coin.beta * market)

    def _draw_nodes(self, exchange: Exchange, name: str, kind: str, day: int) -> Floats:
        index = self._index(name, day)
        if kind == "index":
            return index
        mark = index * np.exp(self._basis(exchange, name, day, len(index)))
        if kind == "mark":
            return mark
        noise = stream(self.seed, "last", exchange, name, day).standard_normal(len(mark))
        return mark * (1.0 + 0.00005 * noise)

    def _basis(self, exchange: Exchange, name: str, day: int, steps: int) -> Floats:
        """Return mark over index in logarithms: knots every two hours, joined by straight lines."""
        knots = [self._knots(exchange, name, day), self._knots(exchange, name, day + 1)[:1]]
        wide = 1.0 if COINS[name].step_ms <= 60_000 else 2.0
        at = np.arange(steps) * (KNOTS_PER_DAY / steps)
        basis: Floats = np.interp(at, np.arange(KNOTS_PER_DAY + 1), np.concatenate(knots))
        return wide * EXCHANGE_BASIS[exchange] * basis

    def _knots(self, exchange: Exchange, name: str, day: int) -> Floats:
        g = stream(self.seed, "basis", exchange, name, day)
        return g.standard_normal() * 0.8 + g.standard_normal(KNOTS_PER_DAY) * 0.6
