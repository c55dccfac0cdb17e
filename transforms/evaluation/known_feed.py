"""What one exchange published of liquidations, and what of it a fit may learn from."""

from __future__ import annotations

import numpy as np
import polars as pl

from transforms.model.fit import TYPICAL_SIZE_USD, Observed
from transforms.model.price_grid import Floats, Ints

_HOUR_MS = 3_600_000
_LEAST_H = 24  # of a feed, before it is fitted to
_ENOUGH_TO_TELL, _APART = 200, 0.95  # events by which it shows; the share of them with a second of their own


class Feed:
    """What one exchange published of liquidations; an exchange without any has no feed."""

    def __init__(self, events: pl.DataFrame) -> None:
        ordered = events.sort("ts_ms", "side", "price", "base")
        self.hour_h = ordered["ts_ms"].to_numpy() // _HOUR_MS + 1
        self.long = (ordered["side"] == "long").to_numpy()
        self.usd = (ordered["price"] * ordered["base"]).to_numpy()
        self.second = ordered["ts_ms"].to_numpy() // 1000

    def observed(self, s: int, hour_h: Ints, swept: Floats) -> Observed | None:
        """Of the hours `hour_h`, in which the mark swept `swept` [n, classes, holdings] USD at a weight of one.

        None where that teaches nothing. Hours up to that of the feed's first event are left out, and those after its
        last one so far: it may have begun late, and it may have ended. A side that was quiet while the other was not is
        observed to be quiet.
        """
        if not len(hour_h):
            return None
        so_far = self.hour_h[self.hour_h <= hour_h[-1]]
        if not len(so_far):
            return None
        hours = (hour_h > so_far[0]) & (hour_h <= so_far[-1])
        if int(hours.sum()) < _LEAST_H or self._thinned(int(hour_h[-1])):
            return None
        first, last = int(hour_h[0]), int(hour_h[-1])
        mine = (self.long if s > 0 else ~self.long) & (self.hour_h >= first) & (self.hour_h <= last)
        sums = np.bincount(self.hour_h[mine] - first, self.usd[mine], last - first + 1)
        return Observed(swept[hours], sums[hour_h - first][hours], self.size_usd(s, last))

    def _thinned(self, last_h: int) -> bool:
        """Whether hardly ever two of one side fell into one second: some exchanges show one a second at most.

        Files do not say so. Such a feed misses most where most is liquidated: it misleads in shape as in level. Of a
        full one most come together.
        """
        known = self.hour_h <= last_h
        moments = np.unique(self.second[known] * 2 + self.long[known])
        return int(known.sum()) >= _ENOUGH_TO_TELL and len(moments) > _APART * int(known.sum())

    def size_usd(self, s: int, last_h: int) -> float:
        """E[x^2]/E[x] of the side's liquidations up to the hour `last_h`; the typical one before the first."""
        own = self.usd[(self.long if s > 0 else ~self.long) & (self.hour_h <= last_h)]
        return float((own**2).sum() / own.sum()) if own.sum() > 0.0 else TYPICAL_SIZE_USD
