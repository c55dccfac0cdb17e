"""Cascade risk: whether liquidations would be self-sustaining.

R(d) = I(Q(d)) / d, with Q(d) the cumulative notional within a distance d of the mark and I its market impact
(market_impact.py). Where R is 1 or more, the liquidations that a move of d triggers move the price by d or more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transforms.model.clusters.market_impact import Impact
from transforms.model.price_grid import Floats

NEAREST = 1e-3
"""Smallest distance considered, as a fraction: the width of a bucket, below which the map has no resolution.

Any closer, every notional would look self-sustaining, because the impact law has infinite slope at zero."""


@dataclass(frozen=True)
class Cascade:
    """The result of a cascade analysis; distances from the mark are fractions.

    trigger: nearest distance with R of 1 or more, None without any. exhaustion: the next distance outward with R below
    1, or the end of the map if is_open_ended. largest: the maximum of R; largest_at: its distance, the nearest of
    equals; both None without open positions.
    """

    trigger: float | None
    exhaustion: float | None
    is_open_ended: bool
    largest: float | None
    largest_at: float | None

    @property
    def amplification(self) -> float | None:
        """Exhaustion over trigger: the total move as a multiple of the initial one; None without a trigger."""
        return None if self.trigger is None or self.exhaustion is None else self.exhaustion / self.trigger


NOTHING = Cascade(None, None, False, None, None)


def cascade(distance: Floats, usd: Floats, impact: Impact) -> Cascade:
    """Return the cascade of a profile: distance [n], ascending fractions, far edges of buckets; usd [n] within each."""
    seen = distance >= NEAREST
    distance, usd = distance[seen], usd[seen]
    if not usd.any():
        return NOTHING
    ratio = impact.of(usd) / distance
    top = int(ratio.argmax())
    largest, largest_at = float(ratio[top]), float(distance[top])
    sustains = ratio >= 1
    if not sustains.any():
        return Cascade(None, None, False, largest, largest_at)
    first = int(sustains.argmax())
    ends = np.flatnonzero(~sustains[first:])
    last = first + int(ends[0]) if len(ends) else len(sustains) - 1
    return Cascade(float(distance[first]), float(distance[last]), not len(ends), largest, largest_at)
