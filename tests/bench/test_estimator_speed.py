"""CPU cost of the estimator's fold and of its maps, and their growth. Run: `make bench`.

A touched bucket is a nonzero cell [age, class, holding, bucket] after the hour; each is aged, thinned and moved with
the axis in every hour.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from time import process_time
from typing import TypeVar

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table as Grid

from tests.bench.plain_fold import PlainFold
from transforms.exchanges.parsing.documented_tiers import documented
from transforms.model.assumptions import prior
from transforms.model.distance_profile import Contract
from transforms.model.estimator import HourInput, Levels, columns, run
from transforms.model.liquidation_price import Tiers
from transforms.model.population import Population
from transforms.model.price_grid import Floats, Ints
from transforms.model.step import Bar, advance

Made = TypeVar("Made")
Rows = tuple[Ints, Ints, NDArray[np.int32], NDArray[np.int8], Floats]
SIDES = (+1, -1)
FIRST_H = 490_920
_NAMES = ("tier_cap", "maintenance_rate", "deduction", "max_leverage_x")
_TIERS = Tiers(*(tuple(float(str(tier[name])) for tier in documented("binance")) for name in _NAMES))
_SIZES = {60: ((2190, 1), (4380, 1), (8760, 1), (8760, 3)), 5: ((1095, 1), (2190, 1), (8760, 1), (1095, 3))}
CONTRACT = Contract("binance", "linear", _TIERS)


def walk(hours: int, minutes: int, seed: int) -> list[HourInput]:
    """Return a random walk of 60 % a year, with open interest near 80,000 coins and a turnover of three a day."""
    rng, each = np.random.default_rng(seed), 60 // minutes
    n = hours * each
    step = 0.6 * np.sqrt(minutes / 525_600)
    close = 1e5 * np.exp(np.cumsum(rng.normal(0.0, step, n)))
    opened = np.concatenate([[1e5], close[:-1]])
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0.0, step / 2, n)))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0.0, step / 2, n)))
    taker = 1e4 / each * rng.lognormal(0.0, 0.5, n)
    interest = np.maximum(8e4 + np.cumsum(rng.normal(0.0, 20.0, n)), 1e3)
    rows = np.column_stack([opened, high, low, close, taker, interest]).tolist()
    bars = [Bar(minutes / 60, *row) for row in rows]
    hourly = [bars[i : i + each] for i in range(0, n, each)]
    return [HourInput(FIRST_H + i, dict.fromkeys(SIDES, own), CONTRACT, fresh=True) for i, own in enumerate(hourly)]


def timed(work: Callable[[], Made]) -> tuple[Made, float]:
    start = process_time()
    made = work()
    return made, process_time() - start


def mapped(hours: list[HourInput]) -> Levels:
    return run({s: Population.empty(s, 1e5) for s in SIDES}, hours, lambda s, hour_h: prior("binance"))[0]


def fold(hours: list[HourInput]) -> dict[int, Population]:
    """Return the populations of both sides after `hours`."""
    crowds = {s: Population.empty(s, 1e5) for s in SIDES}
    for hour in hours:
        for s, crowd in crowds.items():
            advance(crowd, hour.bars[s], hour.contract, hour.hour_h)
    return crowds


def plainly(hours: list[HourInput], crowds: dict[int, Population]) -> dict[int, PlainFold]:
    """Return the fold in plain numpy, from the populations after the first of `hours`."""
    made = {s: PlainFold(crowd, CONTRACT, hours[0].hour_h) for s, crowd in crowds.items()}
    for hour in hours[1:]:
        for s, each in made.items():
            each.hour(hour.bars[s], hour.hour_h)
    return made


def touched(hours: list[HourInput]) -> int:
    """Return the number of nonzero cells over hours and sides, estimated from every 20th hour."""
    crowds, total = {s: Population.empty(s, 1e5) for s in SIDES}, 0
    for n, hour in enumerate(hours):
        for s, crowd in crowds.items():
            advance(crowd, hour.bars[s], hour.contract, hour.hour_h)
            total += 20 * np.count_nonzero(crowd.cells) if n % 20 == 0 else 0
    return total


def copied(rows: Rows) -> None:
    """Copy the rows once through memory."""
    for column in rows:
        np.copy(column)


def written(rows: Rows) -> None:
    hour_h, s, bucket, position_class, usd = rows
    ages = {f"usd_{i}": usd[:, i] for i in range(usd.shape[1])}
    frame = pl.DataFrame({"hour": hour_h, "s": s, "bucket": bucket, "class": position_class, **ages})
    frame.write_parquet(io.BytesIO())


@pytest.mark.parametrize("minutes", [60, 5])
def test_cost_by_hours_and_instruments(minutes: int) -> None:
    """CPU seconds should double with the hours or the instruments."""
    grid = Grid(
        "hours", "instruments", "fold s", "with maps s", "rows written s", "fold's share", "ms an hour and side"
    )
    fold(walk(48, minutes, 0))  # compiles
    for hours, instruments in _SIZES[minutes]:
        markets = [walk(hours, minutes, seed) for seed in range(instruments)]
        folding = sum(timed(partial(fold, market))[1] for market in markets)
        mapping = writing = 0.0
        for market in markets:
            levels, seconds = timed(partial(mapped, market))
            assert len(levels.usd) == 2 * hours
            mapping += seconds
            writing += timed(partial(written, columns(levels)))[1]
        each = folding / (2 * hours * instruments) * 1e3
        figures = (f"{folding:.1f}", f"{mapping:.1f}", f"{writing:.1f}", f"{folding / (mapping + writing):.0%}")
        grid.add_row(f"{hours:,}", str(instruments), *figures, f"{each:.2f}")
    title = f"Bars of {minutes} minutes, CPU seconds; a year on three exchanges is three times 8,760 hours of one"
    Console(width=110).print(title)
    Console(width=110).print(grid)


@pytest.mark.parametrize("minutes", [60, 5])
def test_cost_against_numpy_memory_and_polars(minutes: int) -> None:
    """Compare CPU seconds within one run: the same cells as plain numpy, and the speed-up."""
    grid = Grid("bars of", "measured", "seconds", "times the fold", show_header=True)
    whole, part = walk(8760 if minutes == 60 else 1095, minutes, 0), walk(500, minutes, 1)
    fold(walk(48, minutes, 0))  # compiles
    mapped(walk(48, minutes, 0))
    first = fold(part[:1])
    plain, plain_s = timed(partial(plainly, part, first))
    crowds, part_s = timed(partial(fold, part))
    for s, crowd in crowds.items():
        assert np.allclose(plain[s].on_the_axis_of(crowd), crowd.cells, rtol=1e-6, atol=1e-3)
    _, fold_s = timed(partial(fold, whole))
    levels, map_s = timed(partial(mapped, whole))
    made = columns(levels)
    rows, size = len(made[0]), sum(column.nbytes for column in made)
    copy_s, write_s = timed(partial(copied, made))[1], timed(partial(written, made))[1]
    bars, cells = sum(len(hour.bars[1]) for hour in whole), touched(whole)
    label = f"{minutes} minutes"
    figures = [
        ("the fold, both sides", fold_s, fold_s),
        (f"the fold with maps, {rows:,} rows", map_s, fold_s),
        (f"one pass of the rows through memory, {size / 1e6:,.0f} MB", copy_s, fold_s),
        ("polars writes the rows", write_s, fold_s),
        ("500 hours, the fold", part_s, part_s),
        ("500 hours, plain numpy", plain_s, part_s),
    ]
    for name, seconds, unit in figures:
        grid.add_row(label, name, f"{seconds:.2f}", f"{seconds / unit:.2f}")
    Console(width=110).print(grid)
    speed = f"{bars / fold_s:,.0f} bars a second, {fold_s / cells * 1e9:.2f} ns a touched bucket"
    Console(width=110).print(f"{len(whole):,} hours: {speed}; {cells / len(whole) / 2:,.0f} touched an hour and side")
