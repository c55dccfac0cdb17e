"""kill -9 at any file operation of any command, then the same command: the result of an undisturbed run.

The operation within a phase is random by seed. The first kill of each test is in its named phase.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from expectations.tables import table
from tests.warehouse.pipeline import kill_process
from tests.warehouse.trial import MADE, A, Trial, differing, python
from transforms.estimation import calibration
from transforms.hourly.hours import HOUR
from warehouse.pipeline import workers
from warehouse.pipeline.outdated import outdated
from warehouse.settings import load
from warehouse.simulator import Simulation
from warehouse.storage.store import Store

pytestmark = pytest.mark.slow

CHILD = "import json, sys; from tests.warehouse.pipeline.kill_process import main; main(json.loads(sys.argv[1]))"
MIDNIGHT = datetime(2026, 10, 22)  # 29 days before the day of NOW; older data comes from the archive
OVER_MIDNIGHT = (MIDNIGHT - 2 * HOUR, MIDNIGHT + HOUR)
FIT = datetime(2026, 11, 20)
PHASES = ("start", *kill_process.PHASES, "process")
KILLS = {
    "run": [
        ("hour", "start"), ("midnight", "collect"), ("hour", "build"), ("midnight", "build"), ("hour", "gate"),
        ("midnight", "publish"), ("hour", "move"), ("midnight", "move"), ("midnight", "prune"), ("hour", "catalog"),
    ],
    "backfill": [
        ("backfill", "collect"), ("backfill", "build"), ("processes", "process"), ("processes", "process"),
        ("processes", "gate"), ("backfill", "publish"), ("backfill", "move"), ("processes", "move"),
        ("backfill", "prune"), ("processes", "log"),
    ],
    "import": [
        ("import", "start"), ("import", "build"), ("import", "gate"), ("import", "publish"), ("import", "move"),
        ("again", "move"), ("import", "prune"), ("import", "catalog"), ("again", "catalog"), ("again", "build"),
    ],
    "calibrate": [
        ("calibrate", "start"), ("calibrate", "build"), ("calibrate", "gate"), ("calibrate", "publish"),
        ("calibrate", "move"), ("calibrate", "move"), ("calibrate", "move"), ("calibrate", "prune"),
        ("calibrate", "catalog"), ("calibrate", "gate"),
    ],
}  # fmt: skip
"""Ten tests of each command: a case and the phase of the first kill."""
SEEDS = [(of, *kill, seed) for of, kills in KILLS.items() for seed, kill in enumerate(kills)]


@dataclass(frozen=True)
class Case:
    """A command on a warehouse: its description, the warehouse before it, the warehouse after it.

    counts: the file operations of each phase of an undisturbed run.
    """

    about: dict[str, Any]
    before: Trial | None
    after: Trial
    counts: dict[str, int]


@pytest.fixture(scope="module", autouse=True)
def limits() -> Iterator[None]:
    """Set the limits of the child processes: state is kept for a day, so that a few hours suffice for pruning."""
    states = [table(name) for name in kill_process.STATES]
    before = calibration.LEAST_HOURS, workers._MIN_DAYS_PER_PROCESS, [each.kept_days for each in states]
    kill_process.shorten()
    yield
    calibration.LEAST_HOURS, workers._MIN_DAYS_PER_PROCESS, kept = before
    for each, days in zip(states, kept, strict=True):
        object.__setattr__(each, "kept_days", days)


@pytest.fixture(scope="module")
def cases(
    one_hour: Trial, quiet_exchanges: Simulation, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Case]:
    """Return a function that makes each case on first use."""
    home, known = tmp_path_factory.mktemp("undisturbed"), dict[str, Case]()

    def before(name: str) -> Trial | None:
        if name == "hour":
            return one_hour
        if name == "calibrate":
            made = Trial(home / "unfitted", quiet_exchanges.url)
            made.run(FIT - 11 * HOUR, FIT - HOUR)
            return made
        if name == "again":
            return case("import").after
        return None

    def case(name: str) -> Case:
        if name not in known:
            hours = {"hour": (A + HOUR, A + HOUR), "calibrate": (FIT, FIT)}.get(name, OVER_MIDNIGHT)
            command = {"hour": "run", "midnight": "run", "again": "import"}.get(name, name)
            about = {"command": command, "url": quiet_exchanges.url, "hours": [each.isoformat() for each in hours]}
            if command == "import":
                about["file"] = str(bars(home / f"{name}.csv", 101 if name == "import" else 102))
            there = before(name)
            made = start(there, home / name, quiet_exchanges.url)
            death, told = child(made, about, "", 0)
            assert death == 0
            known[name] = Case(about, there, made, told)
        return known[name]

    return case


def start(before: Trial | None, root: Path, url: str) -> Trial:
    """Return a copy of the warehouse before a command, with its catalog, or a new warehouse."""
    return before.copied(root) if before else Trial(root, url)


def bars(path: Path, close: int) -> Path:
    """Write a file of mark prices of the hour before midnight and the hour after it."""
    lines = [f"{MIDNIGHT + timedelta(minutes=5 * each):%Y-%m-%d %H:%M},100,103,99,{close}" for each in range(-12, 12)]
    path.write_text("\n".join(["time,open,high,low,close", *lines]) + "\n")
    return path


def environment(made: Trial, about: dict[str, Any]) -> dict[str, str]:
    """Return the environment of an import: source `recorded` with an empty recording."""
    if about["command"] != "import":
        return {}
    recorded = made.root.parent / "recorded"
    recorded.mkdir(exist_ok=True)
    return {
        "LIQ_SOURCE": "recorded", "LIQ_RECORDED": str(recorded), "LIQ_NOW": "2026-11-20T12:05Z",
        "LIQ_WAREHOUSE": str(made.root), "LIQ_COINS": "BTC",
    }  # fmt: skip


def child(made: Trial, about: dict[str, Any], phase: str, steps: int) -> tuple[int, Any]:
    """Run a command in a child process; return its exit code, and where it died or the operations of each phase."""
    told = made.root.with_name(f"{made.root.name}.told")
    words = {**about, "root": str(made.root), "phase": phase, "steps": steps, "told": str(told)}
    options = {"start_new_session": True, "env": {**os.environ, **environment(made, about)}}
    with python(CHILD, json.dumps(words), **options) as process:
        printed, complaints = process.communicate(timeout=300)
    wait_for_group(process.pid)
    assert process.returncode in (0, -signal.SIGKILL), complaints
    return process.returncode, json.loads(printed if process.returncode == 0 else told.read_text())


def wait_for_group(group: int) -> None:
    """Wait until all processes that a killed process had started have ended."""
    until = time.monotonic() + 60
    while any(_group(process.pid) == group for process in psutil.process_iter()):
        assert time.monotonic() < until, "processes that build outlive their run"
        time.sleep(0.05)


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid) if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE else None
    except (psutil.NoSuchProcess, ProcessLookupError):
        return None


def read_in_between(made: Trial) -> None:
    """Require after a kill that tables published together have the same hours, including the watermark."""
    if not (made.root / "catalog.duckdb").is_file():
        return
    hours = [
        set(made.ask(f"SELECT DISTINCT hour_utc FROM {name}")["hour_utc"])
        for name in ("mart.market_balance", "mart.liquidation_curve", "model.position_ledger")
    ]
    assert hours[0] == hours[1] == hours[2]
    assert set(made.ask("SELECT hour_utc FROM ops.watermark")["hour_utc"]) <= hours[0]


def undisturbed(made: Trial, about: dict[str, Any], patch: pytest.MonkeyPatch) -> None:
    """Run the command in this process to its end."""
    for name, value in environment(made, about).items():
        patch.setenv(name, value)
    kill_process.command({**about, "root": str(made.root), "workers": 1})


def settings_of(made: Trial, about: dict[str, Any]) -> Any:
    if about["command"] == "import":
        return load()
    return made.settings(coins="BTC,ETH" if about["command"] == "processes" else "BTC")


@pytest.mark.parametrize(("of", "name", "phase", "seed"), SEEDS, ids=str)
def test_command_after_kills_equals_an_undisturbed_one(
    cases: Callable[..., Case],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    of: str,
    name: str,
    phase: str,
    seed: int,
) -> None:
    case, rng = cases(name), random.Random(f"{of} {seed}")
    made = start(case.before, tmp_path / "warehouse", case.after.url)
    for kill in range(rng.choice((1, 1, 1, 2, 3))):
        now = phase if kill == 0 else rng.choice(sorted(case.counts))
        death, told = child(made, case.about, now, rng.randrange(case.counts.get(now, 30)))
        if kill == 0:
            assert (death, told[0]) == (-signal.SIGKILL, phase), told
        print(f"{of} {name} {seed}: killed in {told}" if death else f"{of} {name} {seed}: not killed")
        read_in_between(made)
    undisturbed(made, case.about, monkeypatch)
    assert differing(case.after.files(*MADE), made.files(*MADE)) == []
    assert made.files("raw").keys() == case.after.files("raw").keys()
    assert made.leftovers() == []
    assert list((made.root / ".staging").iterdir()) == []
    settings = settings_of(made, case.about)
    assert [unit.label for _, found in outdated(Store(made.root), settings) for unit, _ in found] == []
    for each in ("core.price_bars", "mart.market_balance", "model.model_parameters"):
        count = f"SELECT count(*) AS n FROM {each}"
        assert made.ask(count)["n"].item() == case.after.ask(count)["n"].item()


def test_every_phase_has_a_kill() -> None:
    """A test fails unless its first kill is in its phase."""
    assert {phase for kills in KILLS.values() for _, phase in kills} == set(PHASES)
    assert [len(kills) for kills in KILLS.values()] == [10] * 4
