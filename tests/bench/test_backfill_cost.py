"""Cost of a backfill from stored payloads to published tables, by stage and size. Run: `make bench`.

No time is asserted.
"""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table as Grid

from tests.warehouse.trial import Trial, python
from transforms.hourly.hours import HOUR
from warehouse.pipeline.run import backfill
from warehouse.simulator import Simulation

FIRST = datetime(2026, 11, 2)
DAYS, COINS = 10, "BTC,ETH,SOL"
FEW_DAYS = 2
KEPT = ("raw", "ops/fetches", "core/instruments", "core/margin_tiers", "warehouse.json")
"""Paths of requested and persistent data; everything else is built from them."""

_CHILD = """
import json, resource, sys, time
from datetime import datetime
from pathlib import Path
from tests.warehouse.trial import Trial
from warehouse.pipeline.run import backfill

def used():
    both = [resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter(), sum(each.ru_utime + each.ru_stime for each in both)

class Stages:
    def __init__(self):
        self.seconds, self.now, self.since = {}, "start", used()
    def stage(self, name, total, unit):
        moment, (wall, busy) = used(), self.seconds.get(self.now, (0.0, 0.0))
        self.seconds[self.now] = wall + moment[0] - self.since[0], busy + moment[1] - self.since[1]
        self.now, self.since = name.split()[0], moment
    def grow(self, by):
        pass
    def step(self, note="", advance=1, rows=0):
        pass

import expectations.validation.gx  # loading them is no part of a day
root, url, first, last, coins = sys.argv[1:]
progress = Stages()
hours = map(datetime.fromisoformat, (first, last))
backfill(Trial(Path(root), url).settings(coins=coins), *hours, progress=progress)
progress.stage("end", 0, "")
of = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
print(json.dumps([progress.seconds, [resource.getrusage(each).ru_maxrss / 1024 for each in of]]))
"""


@pytest.fixture(scope="module")
def long(_served: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Return a warehouse with payloads of one coin over DAYS."""
    return filled(Trial(tmp_path_factory.mktemp("long") / "warehouse", _served.url), "BTC", DAYS)


@pytest.fixture(scope="module")
def wide(_served: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Return a warehouse with payloads of all COINS over FEW_DAYS."""
    return filled(Trial(tmp_path_factory.mktemp("wide") / "warehouse", _served.url), COINS, FEW_DAYS)


def filled(made: Trial, coins: str, days: int) -> Trial:
    backfill(made.settings(coins=coins), FIRST, last_of(days))
    return made


def last_of(days: int) -> datetime:
    return FIRST + timedelta(days=days) - HOUR


def again(made: Trial, root: Path, coins: str, days: int) -> list[Any]:
    """Return seconds by stage (wall, CPU) and peak memory in MiB (process, largest child)."""
    for kept in KEPT:
        at = made.root / kept
        (root / kept).parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(at, root / kept) if at.is_dir() else shutil.copyfile(at, root / kept)
    hours = (FIRST.isoformat(), last_of(days).isoformat())
    with python(_CHILD, root, made.url, *hours, coins) as child:
        said, complaints = child.communicate()
    assert child.returncode == 0, complaints
    assert set(Trial(root, made.url).rows("position_ledger")["coin"]) == set(coins.split(","))
    measured: list[Any] = json.loads(said.splitlines()[-1])
    return measured


def test_cost_from_payloads_to_tables(long: Trial, wide: Trial, tmp_path: Path) -> None:
    cases = [("BTC", 1, long), ("BTC", DAYS, long), ("BTC", FEW_DAYS, wide), (COINS, FEW_DAYS, wide)]
    grid = Grid("seconds a coin-day: wall, CPU", *(f"{len(c.split(','))} x {d} days" for c, d, _ in cases))
    found = [again(made, tmp_path / str(i), coins, days) for i, (coins, days, made) in enumerate(cases)]
    sizes = [len(coins.split(",")) * days for coins, days, _ in cases]
    for stage in dict.fromkeys(stage for seconds, _ in found for stage in seconds):
        each = [seconds.get(stage, (0.0, 0.0)) for seconds, _ in found]
        grid.add_row(stage, *(shown(wall, busy, size) for (wall, busy), size in zip(each, sizes, strict=True)))
    sums = [[sum(column) for column in zip(*seconds.values(), strict=True)] for seconds, _ in found]
    grid.add_row("in all", *(shown(*both, size) for both, size in zip(sums, sizes, strict=True)))
    grid.add_row("peak MiB: run, largest child", *(f"{own:,.0f} {child:,.0f}" for _, (own, child) in found))
    # both include the fixed cost of a run, so their difference gives the cost of a further day
    wall, busy = ((many - one) / (DAYS - 1) * 365 for one, many in zip(sums[0], sums[1], strict=True))
    Console(width=120).print(grid)
    Console(width=120).print(f"A coin-year on three exchanges, extrapolated: {wall:.0f} s, of CPU {busy:.0f} s")


def shown(wall: float, busy: float, size: int) -> str:
    return f"{wall / size:.2f} {busy / size:.2f}"
