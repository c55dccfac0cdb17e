"""The estimator over a run of hours for one contract: quantities in, the map and the books of each hour out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from transforms.model.assumptions import Assumptions
from transforms.model.distance_profile import Contract
from transforms.model.hour import Bar, Ledger, advance
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
    ledger: Ledger
    standing: float
    in_map: float
    outside: float
    never: float
    open_interest: float | None
    mark: float
    version: str


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
) -> tuple[Levels, list[Book]]:
    """Carries both sides (+1, -1) through `hours`, in place. `assumed(s, hour_h)` gives the parameters that apply.

    Until the first open interest is seen there is nobody, and such hours give no book and no map.
    """
    levels, books = Levels(), []
    for hour in hours:
        for s, crowd in crowds.items():
            parameters = assumed(s, hour.hour_h)
            if hour.bars[s] and crowd.standing() == 0.0:
                # Hours without anybody leave no state: the grid begins where a run that starts here would begin it.
                crowd.mark = hour.bars[s][0].open
            ledger = advance(crowd, hour.bars[s], hour.contract, parameters, hour.hour_h)
            if ledger.previous == 0.0 and ledger.opened == 0.0:
                continue
            published = hour.bars[s][-1].open_interest if hour.fresh else None
            books.append(_book(crowd, ledger, hour.hour_h, published, parameters.version))
            _map(crowd, hour.hour_h, levels)
    return levels, books


def _in_map(crowd: Population) -> slice:
    """Bucket axis within MAP_RANGE of the mark, on the side's side of it."""
    mark_cut = crowd.first_reached(crowd.mark)
    x = np.log(crowd.mark * (1.0 - crowd.s * MAP_RANGE)) / WIDTH - 0.5 - crowd.origin
    return slice(int(np.ceil(x)), mark_cut) if crowd.s > 0 else slice(mark_cut, int(np.floor(x)) + 1)


def _book(crowd: Population, ledger: Ledger, hour_h: int, open_interest: float | None, version: str) -> Book:
    inside = float(crowd.cells[0, :, :, _in_map(crowd)].sum())
    never = float(crowd.never[0].sum())
    everywhere = float(crowd.cells[0].sum())
    return Book(
        hour_h=hour_h,
        s=crowd.s,
        ledger=ledger,
        standing=everywhere + never,
        in_map=inside,
        outside=max(everywhere - inside, 0.0),
        never=never,
        open_interest=open_interest,
        mark=crowd.mark,
        version=version,
    )


def _map(crowd: Population, hour_h: int, levels: Levels) -> None:
    """Whole dollars, at the liquidation price: sums of whole numbers are the same in any order."""
    where = _in_map(crowd)
    buckets = np.arange(crowd.origin + where.start, crowd.origin + where.stop)
    usd = np.rint(crowd.cells[:, :, :, where].sum(axis=2) * middle(buckets))  # [ages, classes, buckets]
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
