"""kill -9 at each stage of a run, then the same command: exactly the tables of an undisturbed run.

The child process kills itself at a point that the test plants.
"""

from __future__ import annotations

import signal
from pathlib import Path

import psutil
import pytest

from tests.warehouse.trial import MADE, A, Trial, differing, python
from transforms.hourly.hours import HOUR

pytestmark = pytest.mark.slow

CHILD = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from tests.warehouse.trial import Trial
from warehouse.catalog import build as catalog
from warehouse.storage import staging, store
from warehouse.pipeline import run

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

class Silent:
    def stage(self, name, total, unit): pass
    def grow(self, by): pass
    def step(self, note="", advance=1, rows=0): pass

class Last:
    def __init__(self, stage, steps=None):
        self.wanted, self.steps, self.now = stage, steps, ""
    def stage(self, name, total, unit):
        self.now = name
        if self.steps is None and name == self.wanted:
            die()
    def grow(self, by): pass
    def step(self, note="", advance=1, rows=0):
        if self.steps is not None and self.now.startswith(self.wanted):
            self.steps -= 1
            if self.steps == 0:
                die()

def before(owner, name, when):
    whole = getattr(owner, name)
    def guarded(*args, **named):
        if when(*args):
            die()
        return whole(*args, **named)
    setattr(owner, name, guarded)

def after(count):
    left = [count]
    def counted(*_):
        left[0] -= 1
        return left[0] < 0
    return counted

def half(frame, path, *_):
    Path(path).write_bytes(b"PAR1")
    die()

progress = Silent()
root, url, first, last = sys.argv[1:]
{plant}
begin, end = map(datetime.fromisoformat, (first, last))
trial = Trial(Path(root), url)
run.run(trial.settings(), begin, end, progress=progress)
"""

POINTS = {
    "in the middle of collect": 'progress = Last("collect", steps=9)',
    "in the middle of a file": "store.write_file = half",
    "with payloads stored and outcomes not": 'before(store.Store, "write", lambda s, t, *_: t.name == "fetches")',
    "after collect": 'progress = Last("reference tables")',
    "in the middle of the core tables": 'before(store.Store, "write", lambda s, t, *_: t.name == "positioning")',
    "in the middle of a map": 'before(store.Store, "write", lambda s, t, *_: t.name == "liquidation_levels")',
    "in the middle of what is built on it": 'before(store, "replace", lambda _, to: "liquidation_curve" in str(to))',
    "in the middle of check": 'progress = Last("check", steps=1)',
    "before the journal": 'before(staging, "replace_durably", lambda _, to: to.name == "journal.json")',
    "after the journal": 'before(staging, "_move", lambda *_: True)',
    "in the middle of the moves": """
moves = after(7)
before(staging, "replace_durably", lambda staged, to: ".staging" in str(staged) and to.name == "data.parquet"
       and ".staging" not in str(to) and moves())""",
    "with all moved and the stage still there": """
before(staging.shutil, "rmtree", lambda p, **_: (Path(p) / "journal.json").exists())""",
    "before the catalog": 'before(catalog, "build", lambda *_: True)',
    "in the middle of the catalog": 'before(catalog, "replace_durably", lambda *_: True)',
}


def killed(made: Trial, plant: str) -> None:
    """Run the hour after `A` in a child process that kills itself at the planted point."""
    hour = (A + HOUR).isoformat()
    child = python(CHILD.replace("{plant}", plant), made.root, made.url, hour, hour)
    _, complaints = child.communicate(timeout=120)
    assert child.returncode == -signal.SIGKILL, complaints


@pytest.fixture(scope="module")
def never_killed(one_hour: Trial, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Return a warehouse of `A` and the hour after it, without kills."""
    made = one_hour.copied(tmp_path_factory.mktemp("never_killed") / "warehouse")
    made.run(A + HOUR)
    return made


@pytest.mark.parametrize("plant", POINTS.values(), ids=POINTS)
def test_same_command_repairs_a_killed_run(one_hour: Trial, never_killed: Trial, tmp_path: Path, plant: str) -> None:
    made = one_hour.copied(tmp_path / "warehouse")
    killed(made, plant)
    assert set(made.ask("SELECT DISTINCT hour_utc FROM mart.market_balance")["hour_utc"]) <= {A, A + HOUR}
    made.run(A + HOUR)
    assert differing(never_killed.files(*MADE), made.files(*MADE)) == []
    assert made.files("raw").keys() == never_killed.files("raw").keys()
    assert made.leftovers() == []
    assert made.ask("SELECT DISTINCT hour_utc FROM mart.market_balance").height == 2


def test_worker_processes_end_with_the_run(one_hour: Trial, never_killed: Trial, tmp_path: Path) -> None:
    """Worker processes must not outlive a killed run and write beside the next."""
    made = one_hour.copied(tmp_path / "warehouse")
    pids = tmp_path / "pids"
    killed(made, IN_PROCESSES.replace("{pids}", str(pids)))
    for pid in pids.read_text().split():
        gone(int(pid))
    made.run(A + HOUR)
    assert differing(never_killed.files(*MADE), made.files(*MADE)) == []
    assert made.leftovers() == []


IN_PROCESSES = """
import threading, time
import psutil
from warehouse.pipeline import workers
workers._MIN_DAYS_PER_PROCESS = 0.1
def watch():
    while not (children := psutil.Process().children(recursive=True)):
        time.sleep(0.05)
    time.sleep(1)
    Path("{pids}").write_text(" ".join(str(child.pid) for child in psutil.Process().children(recursive=True)))
    die()
threading.Thread(target=watch, daemon=True).start()
"""


def gone(pid: int) -> None:
    """Wait for the end of another process."""
    try:
        psutil.Process(pid).wait(60)
    except psutil.NoSuchProcess:
        return
