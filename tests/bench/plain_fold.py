"""The fold in plain numpy: whole arrays, no compiler, on a fixed axis.

It covers one side from the hour that initialised the population, and is the reference of the compiled fold.
"""

from __future__ import annotations

import numpy as np

from transforms.model.activity import activity, stretch, usual
from transforms.model.assumptions import EARLY_EXIT_EXPONENT, HALF_LIVES_H, WINDOWS_H
from transforms.model.distance_profile import Contract, profiles
from transforms.model.kernels.spread import spread
from transforms.model.population import BREADTH, CLASSES, Population
from transforms.model.price_grid import Floats, bucket, middle
from transforms.model.step import Bar

RATES = np.log(2.0) / np.array(HALF_LIVES_H)
MARGIN = 250  # buckets that the mark may move before far positions leave the axis
DUST = 1e-8


class PlainFold:
    """A population taken over after its first hour `hour_h` and advanced hour by hour."""

    def __init__(self, crowd: Population, contract: Contract, hour_h: int) -> None:
        self.s, self.contract, self.mark = crowd.s, contract, crowd.mark
        self.turnover, self.observed_h, self.aged_h = crowd.turnover, crowd.observed_h, crowd.aged_h
        self.origin = crowd.origin - MARGIN
        self.axis = np.arange(self.origin, self.origin + BREADTH + 2 * MARGIN)
        self.cells = np.zeros((*crowd.cells.shape[:3], len(self.axis)))
        self.cells[..., MARGIN : MARGIN + BREADTH] = crowd.cells
        self.cohorts = {h: (own.entry, own.coins, own.reached, own.aged_h) for h, own in crowd.cohorts.items()}
        first = tuple(crowd.moves[hour_h % len(crowd.moves)].tolist())
        self.moves = {hour_h: first}
        self.nearer = np.tile(self.logs(*first), (len(WINDOWS_H), 1))

    def logs(self, before: int, after: int) -> Floats:
        was, now = (np.maximum(self.s * (mark - self.axis), 1) for mark in (before, after))
        return np.log(now / was)

    def reached(self, price: float) -> int:
        x = np.log(price / middle(0)) / np.log(1.001)
        return int(np.ceil(x) if self.s > 0 else np.floor(x))

    def farther(self, one: int, other: int) -> int:
        return min(one, other) if self.s > 0 else max(one, other)

    def beyond(self, reached: int) -> slice:
        return slice(reached - self.origin, None) if self.s > 0 else slice(reached - self.origin + 1)

    def placed(self, entry: np.ndarray, coins: Floats, reached: np.ndarray, price: float) -> Floats:
        """Return the unreached coins [classes, buckets] at their liquidation buckets."""
        own, made = profiles(self.contract, price, self.s), np.zeros((CLASSES, len(self.axis)))
        for k in range(CLASSES):
            to = entry[:, None] + own.first[k] + np.arange(own.length[k])
            stands = self.s * (to - reached[:, None]) < 0
            amount = coins[:, None] * own.shares[k, : own.length[k]]
            np.add.at(made[k], (to - self.origin)[stands], amount[stands])
        return made

    def hour(self, bars: list[Bar], hour_h: int) -> None:
        kept, left, opened = np.ones(len(RATES)), np.ones(len(self.axis)), {}
        before = worst = self.reached(self.mark)
        for bar in bars:
            aged = bar.hours / stretch(self.turnover)
            self.aged_h += aged
            kept = kept * np.exp(-RATES * aged)
            reached = self.reached(bar.low if self.s > 0 else bar.high)
            left = left * np.exp(EARLY_EXIT_EXPONENT * self.logs(worst, self.farther(worst, reached)))
            worst = self.farther(worst, reached)
            opened = {entry: (coins, self.farther(since, reached)) for entry, (coins, since) in opened.items()}
            self.cells[..., self.beyond(reached)] = 0.0
            rate = self.turnover, self.observed_h
            self.turnover, self.observed_h = usual(*rate, bar.taker_base, bar.open_interest, bar.hours)
            coins = activity(bar.taker_base, bar.open_interest, bar.hours, self.turnover, bar.account_growth)
            first, shares = spread(bar.low, bar.high)
            entry, stood = first + np.arange(len(shares)), self.reached(bar.close)
            more = self.placed(entry, coins * shares, np.full(len(shares), stood), bar.open)
            self.cells += more[:, None, :] / (kept[:, None] * left)
            for at, amount in zip(entry.tolist(), (coins * shares).tolist(), strict=True):
                was, since = opened.get(at, (0.0, stood))
                opened[at] = was + amount, since
        self.cells *= kept[:, None] * left
        self.cells *= self.cells[0] >= DUST * bars[-1].open_interest
        self.mark = bars[-1].close
        columns = (np.array(each) for each in (list(opened), *zip(*opened.values(), strict=True)))
        self.cohorts[hour_h] = (*columns, self.aged_h)
        self.leave(hour_h, (before, worst))

    def leave(self, hour_h: int, move: tuple[int, int]) -> None:
        self.moves[hour_h] = move
        for window, length in enumerate(WINDOWS_H, start=1):
            self.nearer[window - 1] += self.logs(*move)
            if hour_h - length not in self.moves:
                continue
            self.nearer[window - 1] -= self.logs(*self.moves[hour_h - length])
            if hour_h - length not in self.cohorts:
                continue
            entry, coins, reached, aged_h = self.cohorts[hour_h - length]
            for age_h in range(length):
                after = self.moves[hour_h - age_h][1]
                reached = np.minimum(reached, after) if self.s > 0 else np.maximum(reached, after)
            amount = self.placed(entry, coins, reached, float(middle(int(entry[len(entry) // 2]))))
            gone = (
                amount[:, None, :]
                * np.exp(-RATES * (self.aged_h - aged_h))[:, None]
                * np.exp(EARLY_EXIT_EXPONENT * self.nearer[window - 1])
            )
            self.cells[window] = np.maximum(self.cells[window] - gone, 0.0)
            for inner in range(window - 1, 0, -1):
                self.cells[inner] = np.minimum(self.cells[inner], self.cells[inner + 1])

    def on_the_axis_of(self, crowd: Population) -> Floats:
        start = crowd.origin - self.origin
        assert bucket(self.mark) == bucket(crowd.mark)
        return self.cells[..., start : start + BREADTH]
