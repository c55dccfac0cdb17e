"""A process that kills itself with SIGKILL at the n-th file operation of one phase of a command.

Operations are counted by phase.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any

from expectations.tables import table
from tests.warehouse.trial import Trial
from transforms.estimation import calibration
from transforms.imports.layout import Layout
from warehouse.catalog import build as catalog
from warehouse.pipeline import calibrate, gate, run, workers
from warehouse.pipeline import imports as importing
from warehouse.pipeline.engine import Built, Lane
from warehouse.pipeline.run import backfill
from warehouse.progress import Silent
from warehouse.settings import load
from warehouse.storage import quarantine, staging, store

STATES = ("state_positions", "state_cohorts")
PHASES = {
    "collect": [(run, "_collect_all")],
    "build": [(run, "_build")],
    "gate": [
        (gate, "check"), (gate, "hold_back"), (gate, "record"), (run, "_stage_watermark"), (run, "record_partitions"),
    ],
    "publish": [(staging.Stage, "publish")],
    "move": [(staging, "_move")],
    "prune": [(run, "prune")],
    "log": [(run, "log_run")],
    "catalog": [(catalog, "build")],
}  # fmt: skip
"""The functions of each phase of a command; the innermost phase counts. Moves begin with the journal."""


class Death:
    """A counter of file operations by phase that kills the process at the n-th of `phase`; never if it is empty."""

    def __init__(self, phase: str, steps: int, told: Path) -> None:
        self.phase, self.steps, self.told = phase, steps, told
        self.now = ["start"]
        self.counts: Counter[str] = Counter()
        self._alone = Lock()

    def is_due(self) -> bool:
        """Count an operation and return whether the process dies at it."""
        with self._alone:
            now = self.now[-1]
            self.counts[now] += 1
            return now == self.phase and self.counts[now] > self.steps

    def die(self, operation: str) -> None:
        """Record where the process dies, then kill it; a worker process also kills its parent."""
        self.phase = ""  # writing the record is no operation of the command
        self.told.write_text(json.dumps([self.now[-1], operation]))
        for pid in dict.fromkeys([json.loads(os.environ["DYING"])["parent"], os.getpid()]):
            os.kill(pid, signal.SIGKILL)

    def plant(self) -> None:
        """Wrap every file operation and every phase."""
        for name, functions in PHASES.items():
            for owner, function in functions:
                setattr(owner, function, self._phase(name, getattr(owner, function)))
        for owner in (store, staging, quarantine, catalog):
            owner.replace_durably = self._before("replace_durably", store.replace_durably)  # type: ignore[attr-defined]
        store.replace = self._before("replace", store.replace)
        store.write_file = self._before("write_file", store.write_file, _half_a_file)
        shutil.rmtree = self._before("rmtree", shutil.rmtree, _half_a_folder)  # type: ignore[assignment]
        for method in ("unlink", "mkdir", "rmdir", "write_text"):
            setattr(Path, method, self._before(method, getattr(Path, method)))

    def _before(self, name: str, whole: Callable[..., Any], half: Callable[..., None] | None = None) -> Any:
        def guarded(*given: Any, **options: Any) -> Any:
            if self.is_due():
                if half is not None:
                    half(*given)
                self.die(name)
            return whole(*given, **options)

        return guarded

    def _phase(self, name: str, whole: Callable[..., Any]) -> Any:
        def noted(*given: Any, **options: Any) -> Any:
            self.now.append(name)
            if self.is_due():  # a phase without file operations counts as one
                self.die(whole.__name__)
            try:
                return whole(*given, **options)
            finally:
                self.now.pop()

        return noted


def _half_a_file(_: object, path: Path, *__: object) -> None:
    with path.open("wb") as file:
        file.write(b"PAR1")


def _half_a_folder(folder: Path, *_: object) -> None:
    """Delete every second file of a folder, as an interrupted deletion would."""
    for path in sorted(p for p in Path(folder).rglob("*") if p.is_file())[::2]:
        os.unlink(path)  # noqa: PTH108 - Path.unlink is counted


def shorten() -> None:
    """Set limits for a test of a few hours: state is kept for a day, ten hours suffice for a fit."""
    for name in STATES:
        object.__setattr__(table(name), "kept_days", 1)
    calibration.LEAST_HOURS = 10
    workers._MIN_DAYS_PER_PROCESS = 1


def in_process(root: Path, stage: str, lane: Lane) -> list[Built]:
    """Walk a lane in a worker process, which dies there if the environment requests it."""
    shorten()
    about = json.loads(os.environ["DYING"])
    if about["phase"] == "process":
        death = Death("process", about["steps"], Path(about["told"]))
        death.now.append("process")
        death.plant()
    return _in_process(root, stage, lane)


_in_process = workers._in_process


def main(about: dict[str, Any]) -> None:
    """Run the described command until the kill; print the operations of each phase if it finishes."""
    shorten()
    if about["phase"]:  # it loads in four seconds, and a killed process needs no decision
        sys.modules["expectations.validation.gx"] = SimpleNamespace(decide=lambda counts: [])  # type: ignore[assignment]
    os.environ["DYING"] = json.dumps({**about, "parent": os.getpid()})
    workers._in_process = in_process
    death = Death(about["phase"], about["steps"], Path(about["told"]))
    death.plant()
    command(about)
    sys.stdout.write(json.dumps(death.counts))


def command(about: dict[str, Any]) -> Any:
    """Run a described command on its warehouse."""
    name = about["command"]
    if name == "import":
        return importing.import_file(load(), wanted(about), Silent())
    trial = Trial(Path(about["root"]), about["url"])
    first, last = (datetime.fromisoformat(each) for each in about["hours"])
    if name == "calibrate":
        return calibrate.calibrate(trial.settings(), first.date(), last.date())
    if name == "run":
        return trial.run(first, last)
    coins = "BTC,ETH" if name == "processes" else "BTC"
    return backfill(trial.settings(coins=coins), first, last, workers=about.get("workers", 2))


def wanted(about: dict[str, Any]) -> importing.ImportRequest:
    """Return the import request of a description: mark prices of Binance."""
    layout = Layout("mark_bars")
    return importing.ImportRequest(Path(about["file"]), "binance", layout, "BTCUSDT")
