"""The estimator over a run of hours for one contract: quantities in, the map and the books of each hour out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from transforms.model.assumptions import Assumptions
from transforms.model.distance_profile import Contract
from transforms.model.hour import Bar, Moved, advance
from transforms.model.population import AGES, Population
from transforms.model.price_grid import WIDTH, Floats, Ints, middle

MAP_RANGE = 0.25
"""The map reaches a quarter of the mark's price to each side; what stands further is in the books, not in the map."""


@dataclass(frozen=True)
class HourInput:
    """One hour for one contract: `bars` by side (+1, -1).

    Fresh when its last bar ends with the hour and has open interest.
    """

    hour_h: int
    bars: dict[int, list[Bar]]
    contract: Contract
    fresh: bool


@dataclass(frozen=True)
class Book:
    """Where one side stands after an hour, in coins, and what the hour did."""

    hour_h: int
    s: int
    previous: float
    opened: float
    closed: float
    swept: float
    standing: float
    in_map: float
    outside: float
    never: float
    open_interest: float | None
    mark: float
    version: str


@dataclass(frozen=True)
class Sweep:
    """What the mark swept in an hour at a weight of one: usd [classes, holdings]. What a fit learns from."""

    hour_h: int
    s: int
    usd: Floats


@dataclass
class Levels:
    """The map of many hours, as columns: one entry a (hour, side, bucket, class) that holds a dollar or more."""

    hour_h: list[Ints] = field(default_factory=list)
    s: list[Ints] = field(default_factory=list)
    bucket: list[Ints] = field(default_factory=list)
    position_class: list[Ints] = field(default_factory=list)
    usd: list[Floats] = field(default_factory=list)  # [entries, ages]


def run(
    crowds: dict[int, Population], hours: Iterable[HourInput], assumed: Callable[[int, int], Assumptions]
) -> tuple[Levels, list[Book], list[Sweep]]:
    """Carries both sides (+1, -1) through `hours`, in place. `assumed(s, hour_h)` gives the parameters that apply.

    Until the first open interest is seen there is nobody, and such hours give no book and no map.
    """
    levels, books, sweeps = Levels(), [], []
    for hour in hours:
        for s, crowd in crowds.items():
            bars = hour.bars[s]
            moved = advance(crowd, bars, hour.contract, hour.hour_h)
            if crowd.open_interest == crowd.standing == 0.0:
                continue
            parameters = assumed(s, hour.hour_h)
            book = _book(crowd, moved, hour, parameters)
            books.append(book)
            _map(crowd, hour.hour_h, parameters.weight, levels)
            sweeps.append(Sweep(hour.hour_h, s, moved.swept * (middle_price(bars) if bars else crowd.mark)))
    return levels, books, sweeps


def middle_price(bars: Sequence[Bar]) -> float:
    """The geometric middle of what the mark passed, USD, at which what was swept is valued. At least one bar."""
    return float((min(b.low for b in bars) * max(b.high for b in bars)) ** 0.5)


def standing_usd(crowd: Population, weight: Floats) -> tuple[Ints, Floats]:
    """(bucket [n], whole dollars [ages, classes, n]) in the map, read with `weight` [classes, holdings].

    Whole dollars, at the liquidation price: sums of whole numbers are the same in any order.
    """
    where = _in_map(crowd)
    buckets = np.arange(crowd.origin + where.start, crowd.origin + where.stop)
    coins = np.einsum("kh,akhb->akb", weight * _scale(crowd, weight), crowd.cells[..., where])
    return buckets, np.rint(coins * middle(buckets))


def _in_map(crowd: Population) -> slice:
    """Bucket axis within MAP_RANGE of the mark, on the side's side of it."""
    mark = crowd.reached(crowd.mark) - crowd.origin
    x = np.log(crowd.mark * (1.0 - crowd.s * MAP_RANGE)) / WIDTH - 0.5 - crowd.origin
    return slice(int(np.ceil(x)), mark) if crowd.s > 0 else slice(mark + 1, int(np.floor(x)) + 1)


def _scale(crowd: Population, weight: Floats) -> float:
    """No more can stand than is open: what the weights make too much is taken from all alike."""
    wanted = float((weight * crowd.cells[0].sum(axis=-1)).sum())
    return crowd.standing / wanted if wanted > crowd.standing else 1.0


def _book(crowd: Population, moved: Moved, hour: HourInput, assumed: Assumptions) -> Book:
    """Closes the books of the hour.

    What stands is what is published, or what stood less what was swept. What the weights do not explain of it is
    never liquidated: hedged, unleveraged, making the market. Closing is what is left to balance.
    """
    previous = crowd.standing
    swept = float((assumed.weight * moved.swept).sum())
    opened = float(assumed.weight.sum()) * moved.activity
    swept = min(swept, previous + opened)
    crowd.standing = crowd.open_interest if hour.fresh or previous == 0.0 else max(previous - swept, 0.0)
    closed = previous + opened - swept - crowd.standing
    opened, closed = (opened, closed) if closed >= 0.0 else (opened - closed, 0.0)
    weight = assumed.weight * _scale(crowd, assumed.weight)
    everywhere = float((weight * crowd.cells[0].sum(axis=-1)).sum())
    inside = float((weight * crowd.cells[0, :, :, _in_map(crowd)].sum(axis=-1)).sum())
    return Book(
        hour_h=hour.hour_h,
        s=crowd.s,
        previous=previous,
        opened=opened,
        closed=closed,
        swept=swept,
        standing=crowd.standing,
        in_map=inside,
        outside=max(everywhere - inside, 0.0),
        never=max(crowd.standing - everywhere, 0.0),
        open_interest=crowd.open_interest if hour.fresh else None,
        mark=crowd.mark,
        version=assumed.version,
    )


def _map(crowd: Population, hour_h: int, weight: Floats, levels: Levels) -> None:
    buckets, usd = standing_usd(crowd, weight)
    position_class, at = np.nonzero(usd[0])
    levels.hour_h.append(np.full(len(at), hour_h))
    levels.s.append(np.full(len(at), crowd.s))
    levels.bucket.append(buckets[at])
    levels.position_class.append(position_class)
    levels.usd.append(usd[:, position_class, at].T)


def columns(levels: Levels) -> tuple[Ints, Ints, Ints, Ints, Floats]:
    """(hour_h, s, bucket, class, usd [n, ages]) of all hours."""
    if not levels.hour_h:
        none = np.zeros(0, dtype=np.int64)
        return none, none, none, none, np.zeros((0, AGES))
    parts = (levels.hour_h, levels.s, levels.bucket, levels.position_class)
    hour_h, s, bucket, position_class = (np.concatenate(p) for p in parts)
    return hour_h, s, bucket, position_class, np.concatenate(levels.usd)
