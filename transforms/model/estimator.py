"""The estimator over consecutive hours of one contract: maps, ledger entries and calibration exposure per hour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import isnan, nan

import numpy as np
from numpy.typing import NDArray

from transforms.model.assumptions import LEVERAGE_X, Assumptions
from transforms.model.distance_profile import Contract
from transforms.model.gap_uncertainty import gap_log_sd
from transforms.model.kernels.reading import entries, read, value_usd
from transforms.model.population import AGES, CLASSES, Population
from transforms.model.price_grid import WIDTH, Floats, Ints, middle
from transforms.model.step import Bar, Moved, advance

MAP_RANGE = 0.25
"""Range of the map to each side, relative to the mark; positions beyond it are in the ledger, not in the map."""


_BY_LABEL = np.array(sorted(range(CLASSES), key=lambda k: f"{LEVERAGE_X[k]:.0f}x"))
"""Class order that equals alphabetical order of the labels, so that rows come out sorted: re-sorting is slower."""


@dataclass(frozen=True)
class HourInput:
    """One hour of one contract: `bars` by side (+1, -1).

    `fresh` is true when the last bar ends with the hour and has open interest.
    """

    hour_h: int
    bars: dict[int, list[Bar]]
    contract: Contract
    fresh: bool


@dataclass(frozen=True)
class LedgerEntry:
    """One side's ledger entry for an hour, in coins: opening and closing balance and the flows between them.

    swept: modelled liquidations; closing: the sum of in_map, beyond_map and unliquidatable; open_interest: None for
    hours that are not fresh; traded: half of taker buys plus sells, None where unknown; mark, lowest, highest: USD, the
    extremes None without bars; gap_log_sd: standard deviation of log notional due to gaps.
    """

    hour_h: int
    s: int
    opening: float
    opened: float
    closed: float
    swept: float
    closing: float
    in_map: float
    beyond_map: float
    unliquidatable: float
    open_interest: float | None
    traded: float | None
    mark: float
    lowest: float | None
    highest: float | None
    gap_log_sd: float
    version: str


@dataclass(frozen=True)
class Sweep:
    """Calibration exposure: the amount that the mark swept in an hour at a weight of one, usd [classes, holdings]."""

    hour_h: int
    s: int
    usd: Floats


@dataclass
class Levels:
    """The maps of many hours and sides in sequence: every (bucket, class) that holds a dollar or more."""

    hour_h: list[int] = field(default_factory=list)
    s: list[int] = field(default_factory=list)
    bucket: list[NDArray[np.int32]] = field(default_factory=list)
    position_class: list[NDArray[np.int8]] = field(default_factory=list)
    usd: list[Floats] = field(default_factory=list)  # [ages, entries]


@dataclass(frozen=True)
class OpenPositions:
    """One side's open positions under given weights: coins [ages, classes, n] by bucket [n], and coins beyond the map.

    They cannot exceed open interest: `scale`, at most 1, reduces all of them in proportion.
    """

    bucket: Ints
    coins: Floats
    beyond_map: float
    scale: float

    @property
    def in_map(self) -> float:
        """Coins in the map."""
        return self.scale * float(self.coins[0].sum())

    @property
    def usd(self) -> Floats:
        """Whole dollars [ages, classes, n] at the liquidation price; whole, so that sums are exact in any order."""
        return np.asarray(value_usd(self.coins, self.scale, middle(self.bucket)))


def run(
    crowds: dict[int, Population], hours: Iterable[HourInput], assumed: Callable[[int, int], Assumptions]
) -> tuple[Levels, list[LedgerEntry], list[Sweep]]:
    """Advance both sides (+1, -1) through `hours`, in place. `assumed(s, hour_h)` returns the parameters that apply.

    Until open interest is first published there are no positions; such hours have no ledger entry and no map.
    """
    levels, ledger, sweeps = Levels(), [], []
    for hour in hours:
        for s, crowd in crowds.items():
            bars = hour.bars[s]
            moved = advance(crowd, bars, hour.contract, hour.hour_h)
            if crowd.open_interest == crowd.standing == 0.0:
                continue
            parameters = assumed(s, hour.hour_h)
            entry, positions = _close_entry(crowd, moved, hour, parameters)
            ledger.append(entry)
            _append_map(hour.hour_h, s, positions, levels)
            sweeps.append(Sweep(hour.hour_h, s, moved.swept * (middle_price(bars) if bars else crowd.mark)))
    return levels, ledger, sweeps


def middle_price(bars: Sequence[Bar]) -> float:
    """Return the geometric middle of the range of at least one bar, USD: the price at which sweeps are valued."""
    return float((min(b.low for b in bars) * max(b.high for b in bars)) ** 0.5)


def open_notional(crowd: Population, weight: Floats) -> tuple[Ints, Floats]:
    """Return (bucket [n], whole dollars [ages, classes, n]) in the map under `weight` [classes, holdings]."""
    positions = _read_positions(crowd, weight)
    return positions.bucket, positions.usd


def _read_positions(crowd: Population, weight: Floats) -> OpenPositions:
    start, stop = _map_bounds(crowd)
    coins, beyond_map = read(crowd.cells, weight, crowd.s, start, stop)
    modelled = float(coins[0].sum() + beyond_map)
    scale = crowd.standing / modelled if modelled > crowd.standing else 1.0
    bucket = np.arange(crowd.origin + start, crowd.origin + stop)
    return OpenPositions(bucket, coins, scale * beyond_map, scale)


def _map_bounds(crowd: Population) -> tuple[int, int]:
    """Return the start and stop indices of the map: within MAP_RANGE of the mark, where the side is liquidated."""
    mark = crowd.reached(crowd.mark) - crowd.origin
    x = np.log(crowd.mark * (1.0 - crowd.s * MAP_RANGE)) / WIDTH - 0.5 - crowd.origin
    return (int(np.ceil(x)), mark) if crowd.s > 0 else (mark + 1, int(np.floor(x)) + 1)


def _close_entry(
    crowd: Population, moved: Moved, hour: HourInput, assumed: Assumptions
) -> tuple[LedgerEntry, OpenPositions]:
    """Close the hour's ledger entry: opening + opened - closed - swept = closing.

    The closing balance is published open interest, else the opening balance less the swept coins. The part that the
    weights do not explain is never liquidated: hedged, unleveraged or market-making positions. `closed` balances the
    entry.
    """
    opening = crowd.standing
    swept = float((assumed.weight * moved.swept).sum())
    opened = float(assumed.weight.sum()) * moved.activity
    swept = min(swept, opening + opened)
    crowd.standing = crowd.open_interest if hour.fresh or opening == 0.0 else max(opening - swept, 0.0)
    closed = opening + opened - swept - crowd.standing
    opened, closed = (opened, closed) if closed >= 0.0 else (opened - closed, 0.0)
    positions = _read_positions(crowd, assumed.weight)
    bars = hour.bars[crowd.s]
    traded = sum(bar.taker_base for bar in bars) if bars else nan
    entry = LedgerEntry(
        hour_h=hour.hour_h,
        s=crowd.s,
        opening=opening,
        opened=opened,
        closed=closed,
        swept=swept,
        closing=crowd.standing,
        in_map=positions.in_map,
        beyond_map=positions.beyond_map,
        unliquidatable=max(crowd.standing - positions.in_map - positions.beyond_map, 0.0),
        open_interest=crowd.open_interest if hour.fresh else None,
        traded=None if isnan(traded) else traded,
        mark=crowd.mark,
        lowest=min((bar.low for bar in bars), default=None),
        highest=max((bar.high for bar in bars), default=None),
        gap_log_sd=gap_log_sd(crowd.moves, hour.hour_h, assumed.weight, crowd.initialised_h),
        version=assumed.version,
    )
    return entry, positions


def _append_map(hour_h: int, s: int, positions: OpenPositions, levels: Levels) -> None:
    bucket, position_class, usd = entries(positions.usd, positions.bucket[0], _BY_LABEL)
    levels.hour_h.append(hour_h)
    levels.s.append(s)
    levels.bucket.append(bucket)
    levels.position_class.append(position_class)
    levels.usd.append(usd)


def columns(levels: Levels) -> tuple[Ints, Ints, NDArray[np.int32], NDArray[np.int8], Floats]:
    """Return (hour_h, s, bucket, class, usd [n, ages]) of all entries."""
    each = [len(bucket) for bucket in levels.bucket]
    hour_h, s = (np.repeat(np.array(of_map, np.int64), each) for of_map in (levels.hour_h, levels.s))
    bucket = np.concatenate([np.zeros(0, np.int32), *levels.bucket])
    position_class = np.concatenate([np.zeros(0, np.int8), *levels.position_class])
    return hour_h, s, bucket, position_class, np.concatenate([np.zeros((AGES, 0)), *levels.usd], axis=1).T
