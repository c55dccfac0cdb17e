"""What a map has to beat: the field's ladder, open interest by distance alone, and open interest spread evenly.

None of them has parameters that anybody fitted to what was liquidated, and none knows more of the crowd than it says.
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
"""The field's ladder: a rise of open interest is taken to be opened with these, a quarter each."""

_POSITION_USD = 10e3  # small: the ladder knows no tiers but the first
_RUNGS = tuple(LEVERAGE_X.index(x) for x in LADDER_X)
_ANY_EXCHANGE = ""  # the prior has an average for an exchange that it does not know


def buckets_in_map(s: int, mark: float) -> Ints:
    """The buckets within the map's range of the mark, on the side where side `s` is liquidated."""
    reached, far = (np.log(price) / WIDTH - 0.5 for price in (mark, mark * (1.0 - s * MAP_RANGE)))
    first, stop = (np.ceil(far), np.ceil(reached)) if s > 0 else (np.floor(reached) + 1, np.floor(far) + 1)
    return np.arange(int(first), int(stop), dtype=np.int64)


class Ladder:
    """The field's: a rise of open interest over the hour, split over LADDER_X, until the mark has touched it.

    Each contract has a long and a short, so both sides get the rise. Nothing is closed otherwise, and a fall of open
    interest says nothing.
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
            self.levels = np.concatenate([self.levels, self._opened(entry, rise, contract, hour_h)])
            self._delete(self.mark)

    def _delete(self, reached: float) -> None:
        self.levels = self.levels[self.s * (reached - self.levels[:, 0]) > 0.0]

    def _opened(self, entry: float, coins: float, contract: Contract, hour_h: int) -> Floats:
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
    """Open interest by distance from the current mark, in a shape that never changes: no memory of entries.

    The shape is the stated prior of an average exchange at rest: what is opened at a typical turnover times how long it
    stays, at the distances that a position entered at the mark is liquidated at. Windows hold the share that the
    prior says was opened in them.
    """

    def __init__(self, s: int, price: float) -> None:
        self.s, self.mark, self.open_interest = s, price, 0.0
        self.contract: Contract | None = None
        rates = np.log(2.0) / np.array(HALF_LIVES_H)
        stands = prior(_ANY_EXCHANGE).weight * FIRST_TURNOVER_PER_HOUR / rates  # of open interest [classes, holdings]
        stands = stands / max(1.0, float(stands.sum()))
        opened = [np.ones(len(rates)), *(1.0 - np.exp(-rates * length) for length in WINDOWS_H)]
        self.shares = np.stack([(stands * young).sum(axis=1) for young in opened])  # [ages, classes]

    def advance(self, bars: list[Bar], contract: Contract, hour_h: int) -> None:
        """See Estimator."""
        self.contract = contract
        self.mark, self.open_interest = _last(bars, self.mark, self.open_interest)

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

    As if everybody were liquidated within the range, and every distance alike: its level means nothing, only that it
    goes with open interest does. The same for every age. Classes are those whose leverage is liquidated about there.
    """

    def __init__(self, s: int, price: float) -> None:
        self.s, self.mark, self.open_interest = s, price, 0.0

    def advance(self, bars: list[Bar], contract: Contract, hour_h: int) -> None:
        """See Estimator."""
        self.mark, self.open_interest = _last(bars, self.mark, self.open_interest)

    def standing(self, assumed: Assumptions) -> tuple[Ints, Floats]:
        """See Estimator."""
        buckets = buckets_in_map(self.s, self.mark)
        away = np.abs(middle(buckets) / self.mark - 1.0)
        edges = 1.0 / np.array(LEVERAGE_EDGES_X[1:-1])  # distance, from the nearest class outward
        usd = np.zeros((AGES, CLASSES, len(buckets)))
        usd[:, np.searchsorted(edges, away), np.arange(len(buckets))] = self.open_interest * self.mark / len(buckets)
        return buckets, np.rint(usd)


def _last(bars: list[Bar], mark: float, open_interest: float) -> tuple[float, float]:
    """The mark and open interest after `bars`; what was before where they say nothing."""
    known = [b.open_interest for b in bars if not np.isnan(b.open_interest)]
    return bars[-1].close if bars else mark, known[-1] if known else open_interest
