"""Baseline estimators: the common leverage ladder, open interest by distance, and open interest spread evenly.

A map is useful only if it beats them. None has parameters fitted to liquidations.
"""

from __future__ import annotations

import numpy as np

from transforms.model.activity import FIRST_TURNOVER_PER_HOUR
from transforms.model.assumptions import (
    HALF_LIVES_H,
    LEVERAGE_EDGES_X,
    LEVERAGE_X,
    WINDOWS_H,
    Assumptions,
    prior,
)
from transforms.model.distance_profile import Contract, profiles
from transforms.model.estimator import MAP_RANGE
from transforms.model.liquidation_price import liquidation_price
from transforms.model.population import AGES, CLASSES
from transforms.model.price_grid import WIDTH, Floats, Ints, bucket, middle
from transforms.model.step import Bar

LADDER_X = (100.0, 50.0, 25.0, 10.0)
"""Leverages of the common ladder: each takes a quarter of a rise in open interest."""

_POSITION_USD = 10e3  # small, so that the first margin tier applies
_RUNGS = tuple(LEVERAGE_X.index(x) for x in LADDER_X)
_ANY_EXCHANGE = ""  # an unknown exchange, for which the prior returns the average


def buckets_in_map(s: int, mark: float) -> Ints:
    """Return the buckets within the map's range of the mark where side `s` is liquidated."""
    reached, far = (np.log(price) / WIDTH - 0.5 for price in (mark, mark * (1.0 - s * MAP_RANGE)))
    first, stop = (np.ceil(far), np.ceil(reached)) if s > 0 else (np.floor(reached) + 1, np.floor(far) + 1)
    return np.arange(int(first), int(stop), dtype=np.int64)


class Ladder:
    """The common ladder: each hour's rise in open interest is split over LADDER_X and stays until the mark touches it.

    Every contract has a long and a short, so both sides get the rise. Positions are never closed otherwise; a fall in
    open interest has no effect.
    """

    def __init__(self, s: int, price: float) -> None:
        self.s, self.mark, self.open_interest, self.hour_h = s, price, np.nan, 0
        self.levels = np.zeros((0, 4))  # price (USD), coins, class, hour opened

    def advance(self, bars: list[Bar], contract: Contract, hour_h: int) -> None:
        """See Estimator."""
        self.hour_h = hour_h
        if not bars:
            return
        self.mark = bars[-1].close
        self._delete(min(b.low for b in bars) if self.s > 0 else max(b.high for b in bars))
        known = [b.open_interest for b in bars if not np.isnan(b.open_interest)]
        if not known:
            return
        rise = known[-1] - self.open_interest  # NaN before the first reading
        self.open_interest = known[-1]
        if rise > 0.0:
            entry = float(np.mean([(b.open + b.high + b.low + b.close) / 4 for b in bars]))
            self.levels = np.concatenate([self.levels, self._open_levels(entry, rise, contract, hour_h)])
            self._delete(self.mark)

    def _delete(self, reached: float) -> None:
        self.levels = self.levels[self.s * (reached - self.levels[:, 0]) > 0.0]

    def _open_levels(self, entry: float, coins: float, contract: Contract, hour_h: int) -> Floats:
        usd = np.full(len(_RUNGS), _POSITION_USD)
        base = usd / entry
        sizes = contract.tiers.size(base, np.full(len(base), entry))
        leverage = np.array(
            [min(x, contract.tiers.highest_leverage(size)) for x, size in zip(LADDER_X, sizes.tolist(), strict=True)]
        )
        size = usd if contract.kind == "inverse" else base
        price = liquidation_price(
            contract.exchange, contract.kind, np.full(len(base), entry), size, leverage, contract.tiers, self.s
        )
        share = np.full(len(base), coins / len(base))
        return np.column_stack([price, share, np.array(_RUNGS, dtype=np.float64), np.full(len(base), float(hour_h))])

    def standing(self, assumed: Assumptions) -> tuple[Ints, Floats]:
        """See Estimator."""
        buckets = buckets_in_map(self.s, self.mark)
        coins = np.zeros((AGES, CLASSES, len(buckets)))
        price, base, rung, opened_h = self.levels.T
        at = np.array([bucket(p) for p in price.tolist()], dtype=np.int64) - int(buckets[0])
        inside = (at >= 0) & (at < len(buckets)) & np.isfinite(price)
        for age, length in enumerate((np.inf, *WINDOWS_H)):
            young = inside & (self.hour_h - opened_h < length)
            np.add.at(coins[age], (rung[young].astype(np.int64), at[young]), base[young])
        return buckets, np.rint(coins * middle(buckets))


class Distance:
    """Open interest distributed by distance from the current mark in a fixed shape, without memory of entry prices.

    The shape is the prior of an average exchange at equilibrium: openings at typical turnover times holding time, at
    the liquidation distances of a position entered at the mark. Each window holds the share that, under the prior, was
    opened in it.
    """

    def __init__(self, s: int, price: float) -> None:
        self.s, self.mark, self.open_interest = s, price, 0.0
        self.contract: Contract | None = None
        rates = np.log(2.0) / np.array(HALF_LIVES_H)
        steady = prior(_ANY_EXCHANGE).weight * FIRST_TURNOVER_PER_HOUR / rates  # of open interest [classes, holdings]
        steady = steady / max(1.0, float(steady.sum()))
        opened = [np.ones(len(rates)), *(1.0 - np.exp(-rates * length) for length in WINDOWS_H)]
        self.shares = np.stack([(steady * young).sum(axis=1) for young in opened])  # [ages, classes]

    def advance(self, bars: list[Bar], contract: Contract, hour_h: int) -> None:
        """See Estimator."""
        self.contract = contract
        self.mark, self.open_interest = _update_mark_and_interest(bars, self.mark, self.open_interest)

    def standing(self, assumed: Assumptions) -> tuple[Ints, Floats]:
        """See Estimator."""
        buckets = buckets_in_map(self.s, self.mark)
        shape = np.zeros((CLASSES, len(buckets)))
        if self.contract is not None:
            own = profiles(self.contract, self.mark, self.s)
            for k in range(CLASSES):
                at = bucket(self.mark) + int(own.first[k]) + np.arange(int(own.length[k])) - int(buckets[0])
                inside = (at >= 0) & (at < len(buckets))
                shape[k, at[inside]] = own.shares[k, : len(at)][inside]
        coins = self.shares[:, :, None] * shape * self.open_interest
        return buckets, np.rint(coins * middle(buckets))


class OpenInterest:
    """All open interest, spread evenly in log price over the map's range on each side of the mark.

    It assumes that all positions are liquidated within the range, at every distance alike. Its level is therefore
    meaningless; only its proportionality to open interest matters. It is the same for every age. Each bucket's class is
    the one with leverage that is liquidated at about that distance.
    """

    def __init__(self, s: int, price: float) -> None:
        self.s, self.mark, self.open_interest = s, price, 0.0

    def advance(self, bars: list[Bar], contract: Contract, hour_h: int) -> None:
        """See Estimator."""
        self.mark, self.open_interest = _update_mark_and_interest(bars, self.mark, self.open_interest)

    def standing(self, assumed: Assumptions) -> tuple[Ints, Floats]:
        """See Estimator."""
        buckets = buckets_in_map(self.s, self.mark)
        away = np.abs(middle(buckets) / self.mark - 1.0)
        edges = 1.0 / np.array(LEVERAGE_EDGES_X[1:-1])  # distance, from the nearest class outward
        usd = np.zeros((AGES, CLASSES, len(buckets)))
        usd[:, np.searchsorted(edges, away), np.arange(len(buckets))] = self.open_interest * self.mark / len(buckets)
        return buckets, np.rint(usd)


def _update_mark_and_interest(bars: list[Bar], mark: float, open_interest: float) -> tuple[float, float]:
    """Return the mark and open interest after `bars`, falling back to the previous values."""
    known = [b.open_interest for b in bars if not np.isnan(b.open_interest)]
    return bars[-1].close if bars else mark, known[-1] if known else open_interest
