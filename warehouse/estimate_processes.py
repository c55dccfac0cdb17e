"""The maps of many coins, on all cores: a process for as many of them as are worth starting one for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from datetime import datetime
from math import ceil
from pathlib import Path
from tempfile import TemporaryFile
from threading import Thread

from warehouse.clock import HOUR
from warehouse.errors import UserError
from warehouse.estimate import Span, estimate_coin
from warehouse.progress import Progress
from warehouse.store import Stage, Store

_FAULT = "fault"
_WORTH_A_PROCESS = 40  # coin-hours: with fewer, starting one costs more than it saves


@dataclass(frozen=True)
class Job:
    """A coin, the stage its map is made in, and from when on (ISO 8601) it is known to be out of date."""

    name: str
    run_id: str
    again: str | None


def estimate_coins(
    root: Path,
    stage_of: Mapping[str, str],
    span: Span,
    *,
    again: Mapping[str, datetime],
    workers: int | None = None,
    progress: Progress,
) -> Iterator[str]:
    """`estimate_coin` for each coin, in the stage that `stage_of` has for it; coins are named as they finish."""
    jobs = [Job(name, run_id, again[name].isoformat() if name in again else None) for name, run_id in stage_of.items()]
    coin_hours = len(jobs) * ((span[1] - span[0]) // HOUR + 1)
    if coin_hours < _WORTH_A_PROCESS:
        for job in jobs:
            _estimate(root, span, job, progress)
            yield job.name
        return
    processes = min(ceil(coin_hours / _WORTH_A_PROCESS), len(jobs))
    batches = [jobs[i::processes] for i in range(processes)]
    # one more than there are cores, or the last coin would have a machine to itself
    with ThreadPoolExecutor(workers or (os.cpu_count() or 1) + 1) as pool:
        for done in as_completed([pool.submit(_in_process, root, span, batch, progress) for batch in batches]):
            yield from (job.name for job in done.result())


def _estimate(root: Path, span: Span, job: Job, progress: Progress) -> None:
    again = datetime.fromisoformat(job.again) if job.again else None
    estimate_coin(Stage(Store(root), job.run_id), job.name, span, again, progress)


def _in_process(root: Path, span: Span, batch: list[Job], progress: Progress) -> list[Job]:
    """A fresh interpreter, which tells how far it is line by line.

    A fork would copy the locks of polars' threads, and a pool would run the caller's script again.
    """
    words = [str(root), *(hour.isoformat() for hour in span), json.dumps([asdict(job) for job in batch])]
    command = [sys.executable, "-m", "warehouse.estimate_processes", *words]
    pipe = subprocess.PIPE  # the child's stdin is never written: it ends when this process does
    env = os.environ | {"POLARS_MAX_THREADS": "1"}  # a process a core: threads beside them only take turns
    with (
        TemporaryFile("w+") as complaints,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=complaints, text=True, env=env) as child,
    ):
        for line in child.stdout or ():
            what, *about = json.loads(line)
            if what == _FAULT:
                raise UserError(*about)
            getattr(progress, what)(*about)
        if child.wait():
            complaints.seek(0)
            raise RuntimeError(f"estimating {', '.join(job.name for job in batch)} failed: {complaints.read().strip()}")
    return batch


class _ToParent:
    """A progress that is told on, a line each."""

    def stage(self, name: str, total: int, unit: str) -> None:
        """Begins."""
        print(json.dumps(["stage", name, total, unit]), flush=True)

    def step(self, note: str = "", advance: int = 1, rows: int = 0) -> None:
        """Goes on."""
        print(json.dumps(["step", note, advance, rows]), flush=True)


def _end_with_parent() -> None:
    """Ends this process when its stdin does: one that outlived a killed run would stage files beside the next one's."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    Thread(target=_end_with_parent, daemon=True).start()
    _root, _first, _last, _batch = sys.argv[1:]
    _span = datetime.fromisoformat(_first), datetime.fromisoformat(_last)
    try:
        for _job in json.loads(_batch):
            _estimate(Path(_root), _span, Job(**_job), _ToParent())
    except UserError as _error:
        print(json.dumps([_FAULT, str(_error)]), flush=True)
