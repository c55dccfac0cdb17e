"""One exchange's published liquidations, and the part of them that a fit can use."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

import numpy as np
import polars as pl

from transforms.hourly.hours import HOUR_MS
from transforms.model.estimator import HourInput
from transforms.model.fitting.fit import TYPICAL_SIZE_USD, Observed
from transforms.model.fitting.survival import Flows
from transforms.model.price_grid import Floats, Ints

_LEAST_H = 24  # hours of a feed that a fit needs
_LEAST_EVENTS, _MOST_APART = 200, 0.95  # events needed to detect thinning; highest share of distinct seconds


class Feed:
    """One exchange's published liquidations; an exchange without any has no feed."""

    def __init__(self, events: pl.DataFrame) -> None:
        ordered = events.sort("ts_ms", "side", "price", "base")
        self.hour_h = ordered["ts_ms"].to_numpy() // HOUR_MS + 1
        self.long = (ordered["side"] == "long").to_numpy()
        self.base = ordered["base"].to_numpy()
        self.usd = (ordered["price"] * ordered["base"]).to_numpy()
        self.second = ordered["ts_ms"].to_numpy() // 1000

    def observe(self, s: int, hour_h: Ints, swept: Floats) -> Observed | None:
        """Return the side's observations in the hours `hour_h`; swept [n, classes, holdings]: USD at a weight of one.

        None if a fit cannot use them. Hours up to the feed's first event and after its last one so far are left out:
        the feed may have begun late or ended. A side without events counts as zero while the other side has some.
        """
        if not len(hour_h):
            return None
        so_far = self.hour_h[self.hour_h <= hour_h[-1]]
        if not len(so_far):
            return None
        hours = (hour_h > so_far[0]) & (hour_h <= so_far[-1])
        if int(hours.sum()) < _LEAST_H or self._is_thinned(int(hour_h[-1])):
            return None
        first, last = int(hour_h[0]), int(hour_h[-1])
        mine = (self.long if s > 0 else ~self.long) & (self.hour_h >= first) & (self.hour_h <= last)
        sums = np.bincount(self.hour_h[mine] - first, self.usd[mine], last - first + 1)
        return Observed(swept[hours], sums[hour_h - first][hours], self.size_usd(s, last))

    def flows(self, hours: Mapping[int, HourInput], until_h: int) -> Flows | None:
        """Return the flows of the hours from the feed's first event up to `until_h`; None if a fit cannot use them.

        Both ends of an hour need published open interest.
        """
        so_far = self.hour_h[self.hour_h <= until_h]
        if not len(so_far) or self._is_thinned(until_h):
            return None
        first, last = int(so_far[0]) + 1, int(so_far[-1])
        liquidated = np.bincount(so_far - so_far[0], self.base[: len(so_far)])
        rows = [
            _flow(hours[h - 1], hours[h], float(liquidated[h - first + 1]))
            for h in range(first, last + 1)
            if h in hours and h - 1 in hours and hours[h].fresh and hours[h - 1].fresh
        ]
        return Flows(*np.array(rows, dtype=np.float64).reshape(-1, 4).T)

    def _is_thinned(self, last_h: int) -> bool:
        """Return whether hardly any two events of a side share a second: some exchanges publish one a second at most.

        Files do not say so. Such a feed misses most when most is liquidated, so its shape misleads as much as its
        level. In a complete feed most events share a second with others.
        """
        known = self.hour_h <= last_h
        moments = np.unique(self.second[known] * 2 + self.long[known])
        return int(known.sum()) >= _LEAST_EVENTS and len(moments) > _MOST_APART * int(known.sum())

    def size_usd(self, s: int, last_h: int) -> float:
        """Return E[x^2]/E[x] of the side's liquidations up to the hour `last_h`; TYPICAL_SIZE_USD before the first."""
        own = self.usd[(self.long if s > 0 else ~self.long) & (self.hour_h <= last_h)]
        return float((own**2).sum() / own.sum()) if own.sum() > 0.0 else TYPICAL_SIZE_USD


def _flow(before: HourInput, hour: HourInput, liquidated: float) -> tuple[float, float, float, float]:
    """Return the hour's row of Flows; both sides share open interest, volume and mark."""
    bars, held = hour.bars[+1], before.bars[+1][-1].open_interest
    change = bars[-1].open_interest / held - 1.0 if held > 0.0 else np.nan
    moved = log(max(bar.high for bar in bars) / min(bar.low for bar in bars))
    return change, liquidated / max(held, 1e-9), sum(bar.taker_base for bar in bars) / max(held, 1e-9), moved
