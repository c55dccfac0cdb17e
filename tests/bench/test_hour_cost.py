"""Cost of an hour by stage, and its growth with history; no time is asserted. Run: `make bench`."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table as Grid

from tests.warehouse.pipeline.long_history import lengthen
from tests.warehouse.trial import Trial
from transforms.exchanges import ADAPTERS
from transforms.exchanges.protocol import Request
from transforms.hourly.hours import HOUR
from transforms.model import estimator as estimate
from warehouse.ingest.client import ExchangeClient
from warehouse.pipeline import run as pipeline
from warehouse.simulator import Simulation
from warehouse.simulator.market.listing import COINS as LISTED
from warehouse.simulator.market.listing import SINGLE_EXCHANGE
from warehouse.storage.store import Store

FIRST = datetime(2026, 11, 20, 4)
PAIRS = 7
COINS = "BTC,ETH,SOL"
MANY = 50
PASTS = {"a week": 7, "a year": 365}


def show(title: str, columns: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> None:
    grid = Grid(*columns, title=title)
    for row in rows:
        grid.add_row(*row)
    Console(width=100).print(grid)


class Stages:
    """A progress reporter that keeps the seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.now, self.since = "start", time.perf_counter()

    def stage(self, name: str, total: int, unit: str) -> None:
        self.end()
        self.now = name.split(maxsplit=1)[0]

    def grow(self, by: int) -> None:
        """Ignore a change of the total."""

    def step(self, note: str = "", advance: int = 1, rows: int = 0) -> None:
        """Ignore a step; its time counts for the stage."""

    def end(self) -> None:
        moment = time.perf_counter()
        self.seconds[self.now] = self.seconds.get(self.now, 0.0) + moment - self.since
        self.since = moment


@pytest.fixture(scope="module")
def start(_served: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Return a warehouse with the first hour of three coins."""
    made = Trial(tmp_path_factory.mktemp("start") / "warehouse", _served.url)
    made.run(FIRST, coins=COINS)
    return made


def timed(made: Trial, hour: datetime, coins: str = COINS) -> dict[str, float]:
    stages = Stages()
    pipeline.run(made.settings(coins=coins), hour, hour, progress=stages)
    stages.end()
    return stages.seconds


def test_cost_of_an_hour_by_stage(start: Trial, tmp_path: Path) -> None:
    made = start.copied(tmp_path / "warehouse")
    runs = [timed(made, FIRST + i * HOUR) for i in range(1, 4)]
    names = list(dict.fromkeys(name for run in runs for name in run))
    median = {name: statistics.median(run.get(name, 0.0) for run in runs) for name in names}
    assert {"collect", "core", "maps", "check", "publish"} <= set(names)
    rows = [*median.items(), ("in all", sum(median.values()))]
    show(f"One hour of {COINS}, median of {len(runs)}", ("stage", "s"), ((n, f"{s:.2f}") for n, s in rows))


def test_cost_of_an_hour_of_fifty_coins(exchanges: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulated exchanges have no rate limits; the time at the real limits is computed from the requests."""
    coins = [coin for coin in LISTED if coin not in SINGLE_EXCHANGE][:MANY]
    made = Trial(tmp_path / "warehouse", exchanges.url)
    timed(made, FIRST, ",".join(coins))  # the first hour also requests the listings
    asked = record(monkeypatch)
    begun = cpu()
    seconds = timed(made, FIRST + HOUR, ",".join(coins))
    busy = cpu() - begun
    assert set(made.rows_of("position_ledger", FIRST)["coin"]) == set(coins)
    rows = [*seconds.items(), ("in all", sum(seconds.values())), ("in all, CPU", busy)]
    rows += [(f"{name} at its own limit", least) for name, least in paced(asked)]
    show(f"One hour of {MANY} coins on three exchanges", ("stage", "s"), ((n, f"{s:.1f}") for n, s in rows))


def record(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """Record every later request in the returned list."""
    asked: list[Request] = []
    fetch = ExchangeClient.fetch

    def recorded(client: ExchangeClient, *rest: Any, **named: Any) -> Iterator[Any]:
        for fetched in fetch(client, *rest, **named):
            asked.append(fetched.request)
            yield fetched

    monkeypatch.setattr(ExchangeClient, "fetch", recorded)
    return asked


def paced(asked: list[Request]) -> Iterator[tuple[str, float]]:
    """Yield by exchange the seconds that its tightest documented limit needs for the requests."""
    for exchange, adapter in ADAPTERS.items():
        weights = {b: sum(r.weight for r in asked if r.budget == b.name) for b in adapter.BUDGETS}
        yield exchange, max(weight * b.seconds / b.capacity for b, weight in weights.items())


def cpu() -> float:
    both = [resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in both)


def test_cost_of_an_hour_after_a_week_and_a_year(start: Trial, tmp_path: Path) -> None:
    pasts = {name: start.copied(tmp_path / str(days)) for name, days in PASTS.items()}
    for name, made in pasts.items():
        lengthen(Store(made.root), FIRST.date(), PASTS[name])
    hours = [FIRST + timedelta(hours=i) for i in range(1, PAIRS + 1)]
    took: dict[str, list[float]] = {name: [] for name in pasts}
    busy: dict[str, list[float]] = {name: [] for name in pasts}
    for index, hour in enumerate(hours):
        order = list(pasts) if index % 2 else list(reversed(pasts))
        for name in order:
            begun = time.process_time()
            took[name].append(sum(timed(pasts[name], hour).values()))
            busy[name].append(time.process_time() - begun)
    assert all(made.rows_of("position_ledger", FIRST)["hour_utc"].max() == hours[-1] for made in pasts.values())
    rows = [*compared("wall", took), *compared("CPU", busy)]
    show(f"The next hour of {COINS} after", ("history", "median s", f"{PAIRS} pairs, in turns"), iter(rows))


def compared(clock: str, seconds: dict[str, list[float]]) -> Iterator[tuple[str, ...]]:
    """Yield each history's seconds and their ratios by pair; CPU seconds are robust to other load."""
    ratios = [year / week for week, year in zip(*seconds.values(), strict=True)]
    for name, values in [*seconds.items(), ("ratio", ratios)]:
        yield f"{name}, {clock}", f"{statistics.median(values):.3f}", " ".join(f"{x:.2f}" for x in values)


def test_cost_of_the_estimator_per_bar(start: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spent: list[tuple[float, int]] = []

    def clocked(whole: Callable[..., Any]) -> Callable[..., Any]:
        def run(crowds: Any, hours: Any, *rest: Any) -> Any:
            begun = time.perf_counter()
            made = whole(crowds, hours, *rest)
            spent.append((time.perf_counter() - begun, sum(len(bars) for hour in hours for bars in hour.bars.values())))
            return made

        return run

    made = Trial(tmp_path / "warehouse", start.url)
    monkeypatch.setattr(estimate, "run", clocked(estimate.run))
    made.run(FIRST)
    spent.clear()  # a contract's distance profiles are computed once
    made.run(FIRST + HOUR, FIRST + PAIRS * HOUR)
    seconds, bars = (sum(column) for column in zip(*spent, strict=True))
    assert bars > 0
    rows = [("bars folded, both sides", f"{bars:,.0f}"), ("ns a bar", f"{1e9 * seconds / bars:,.0f}")]
    show("Estimator, BTC on three exchanges", ("what", "value"), iter(rows))
