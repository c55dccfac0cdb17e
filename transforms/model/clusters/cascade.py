"""Whether liquidations would feed themselves: the move that they make against the move that they take.

With Q(d) the notional that stands within a distance d of the mark and I the impact of trading it (market_impact.py),
R(d) is I(Q(d)) / d. Where it is 1 or more, what a move of d liquidates moves the price by as much again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transforms.model.clusters.market_impact import Impact
from transforms.model.price_grid import Floats

NEAREST = 1e-3
"""Of 1, the width of a bucket: nearer to the mark the map has no resolution, and any amount would seem to feed itself,
as the law's slope at zero is infinite."""


@dataclass(frozen=True)
class Cascade:
    """Distances from the mark, of 1, and what is there.

    trigger: the nearest at which R is 1 or more; None where it is nowhere. exhaustion: going on outward from there, the
    first at which R is below 1, or, if is_open_ended, the map's end. largest: the largest R, and largest_at where, the
    nearest of equals; None where nothing stands.
    """

    trigger: float | None
    exhaustion: float | None
    is_open_ended: bool
    largest: float | None
    largest_at: float | None

    @property
    def amplification(self) -> float | None:
        """How many times as far as it was pushed the price then falls, or rises; None where nothing triggers."""
        return None if self.trigger is None or self.exhaustion is None else self.exhaustion / self.trigger


NOTHING = Cascade(None, None, False, None, None)


def cascade(distance: Floats, usd: Floats, impact: Impact) -> Cascade:
    """Of what stands by distance: distance [n] of 1, rising, the far edges of buckets; usd [n] within each of them."""
    seen = distance >= NEAREST
    distance, usd = distance[seen], usd[seen]
    if not usd.any():
        return NOTHING
    ratio = impact.of(usd) / distance
    top = int(ratio.argmax())
    largest, largest_at = float(ratio[top]), float(distance[top])
    feeds = ratio >= 1
    if not feeds.any():
        return Cascade(None, None, False, largest, largest_at)
    first = int(feeds.argmax())
    ends = np.flatnonzero(~feeds[first:])
    last = first + int(ends[0]) if len(ends) else len(feeds) - 1
    return Cascade(float(distance[first]), float(distance[last]), not len(ends), largest, largest_at)
