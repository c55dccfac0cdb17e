"""The estimator over a run of hours for one contract: quantities in, the map and the books of each hour out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from transforms.model.assumptions import LEVERAGE_X, Assumptions
from transforms.model.distance_profile import Contract
from transforms.model.gap_uncertainty import gap_log_sd
from transforms.model.kernels.reading import entries, read, worth
from transforms.model.population import AGES, CLASSES, Population
from transforms.model.price_grid import WIDTH, Floats, Ints, middle
from transforms.model.step import Bar, Moved, advance

MAP_RANGE = 0.25
"""The map reaches a quarter of the mark's price to each side; what stands further is in the books, not in the map."""


_BY_WORD = np.array(sorted(range(CLASSES), key=lambda k: f"{LEVERAGE_X[k]:.0f}x"))
"""Classes in the order that a table sorted by their words has them in: sorting millions of rows again takes longer."""


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
    unseen: float
    version: str


@dataclass(frozen=True)
class Sweep:
    """What the mark swept in an hour at a weight of one: usd [classes, holdings]. What a fit learns from."""

    hour_h: int
    s: int
    usd: Floats


@dataclass
class Levels:
    """The maps of many hours and sides, one after another: their (bucket, class)es that hold a dollar or more."""

    hour_h: list[int] = field(default_factory=list)
    s: list[int] = field(default_factory=list)
    bucket: list[NDArray[np.int32]] = field(default_factory=list)
    position_class: list[NDArray[np.int8]] = field(default_factory=list)
    usd: list[Floats] = field(default_factory=list)  # [ages, entries]


@dataclass(frozen=True)
class Standing:
    """One side as it is read with weights: coins [ages, classes, n] in the map, by bucket [n], and coins beyond it.

    No more can stand than is open: what the weights make too much is taken from all alike.
    """

    bucket: Ints
    coins: Floats
    outside: float
    scale: float

    @property
    def in_map(self) -> float:
        """Coins."""
        return self.scale * float(self.coins[0].sum())

    @property
    def usd(self) -> Floats:
        """Whole dollars [ages, classes, n], at the liquidation price: their sums are the same in any order."""
        return np.asarray(worth(self.coins, self.scale, middle(self.bucket)))


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
            book, standing = _book(crowd, moved, hour, parameters)
            books.append(book)
            _map(hour.hour_h, s, standing, levels)
            sweeps.append(Sweep(hour.hour_h, s, moved.swept * (middle_price(bars) if bars else crowd.mark)))
    return levels, books, sweeps


def middle_price(bars: Sequence[Bar]) -> float:
    """The geometric middle of what the mark passed, USD, at which what was swept is valued. At least one bar."""
    return float((min(b.low for b in bars) * max(b.high for b in bars)) ** 0.5)


def open_notional(crowd: Population, weight: Floats) -> tuple[Ints, Floats]:
    """(bucket [n], whole dollars [ages, classes, n]) in the map, read with `weight` [classes, holdings]."""
    standing = _standing(crowd, weight)
    return standing.bucket, standing.usd


def _standing(crowd: Population, weight: Floats) -> Standing:
    start, stop = _in_map(crowd)
    coins, outside = read(crowd.cells, weight, crowd.s, start, stop)
    wanted = float(coins[0].sum() + outside)
    scale = crowd.standing / wanted if wanted > crowd.standing else 1.0
    return Standing(np.arange(crowd.origin + start, crowd.origin + stop), coins, scale * outside, scale)


def _in_map(crowd: Population) -> tuple[int, int]:
    """Bucket axis within MAP_RANGE of the mark, on the side's side of it: from and to."""
    mark = crowd.reached(crowd.mark) - crowd.origin
    x = np.log(crowd.mark * (1.0 - crowd.s * MAP_RANGE)) / WIDTH - 0.5 - crowd.origin
    return (int(np.ceil(x)), mark) if crowd.s > 0 else (mark + 1, int(np.floor(x)) + 1)


def _book(crowd: Population, moved: Moved, hour: HourInput, assumed: Assumptions) -> tuple[Book, Standing]:
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
    standing = _standing(crowd, assumed.weight)
    book = Book(
        hour_h=hour.hour_h,
        s=crowd.s,
        previous=previous,
        opened=opened,
        closed=closed,
        swept=swept,
        standing=crowd.standing,
        in_map=standing.in_map,
        outside=standing.outside,
        never=max(crowd.standing - standing.in_map - standing.outside, 0.0),
        open_interest=crowd.open_interest if hour.fresh else None,
        mark=crowd.mark,
        unseen=gap_log_sd(crowd.moves, hour.hour_h, assumed.weight, crowd.initialised_h),
        version=assumed.version,
    )
    return book, standing


def _map(hour_h: int, s: int, standing: Standing, levels: Levels) -> None:
    bucket, position_class, usd = entries(standing.usd, standing.bucket[0], _BY_WORD)
    levels.hour_h.append(hour_h)
    levels.s.append(s)
    levels.bucket.append(bucket)
    levels.position_class.append(position_class)
    levels.usd.append(usd)


def columns(levels: Levels) -> tuple[Ints, Ints, NDArray[np.int32], NDArray[np.int8], Floats]:
    """(hour_h, s, bucket, class, usd [n, ages]) of all entries."""
    each = [len(bucket) for bucket in levels.bucket]
    hour_h, s = (np.repeat(np.array(of_map, np.int64), each) for of_map in (levels.hour_h, levels.s))
    bucket = np.concatenate([np.zeros(0, np.int32), *levels.bucket])
    position_class = np.concatenate([np.zeros(0, np.int8), *levels.position_class])
    return hour_h, s, bucket, position_class, np.concatenate([np.zeros((AGES, 0)), *levels.usd], axis=1).T
