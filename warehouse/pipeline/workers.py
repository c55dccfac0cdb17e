"""Executes lanes: here, or on all cores where there are enough days to be worth starting processes for."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import wait
from functools import cache
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import numba
from loky import get_reusable_executor
from loky.backend import get_context

from transforms.estimation.compilation import compile_model
from warehouse.pipeline.engine import Built, Lane, Walk
from warehouse.pipeline.inputs import Reader
from warehouse.progress import Progress, Silent
from warehouse.storage.staging import Stage
from warehouse.storage.store import Store

_WORTH_A_PROCESS = 8  # days of a coin: with fewer, starting one costs more than it saves
_LOOK_S = 0.5


def compile_once(progress: Progress) -> None:
    """Compile the model where numba keeps nothing of this version of it, so that no process has to while others wait.

    The mark is written last: what a killed run had begun is compiled again.
    """
    kept = os.environ.get("NUMBA_CACHE_DIR")
    mark = Path(kept, f"whole-{numba.__version__}") if kept else None
    if mark and mark.exists():
        return
    progress.stage("compile the model, once", 1, "model")
    compile_model()
    if mark:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    progress.step()


def walk_all(stage: Stage, lanes: Sequence[Lane], progress: Progress, workers: int | None) -> Iterator[Built]:
    """Walk lanes that do not depend on each other, and yield what was built."""
    processes = min(workers or os.cpu_count() or 1, len(lanes), sum(lane.work for lane in lanes) // _WORTH_A_PROCESS)
    if processes <= 1:
        reader = Reader(stage.store)
        for lane in lanes:
            yield from _walk(stage, lane, progress, reader)
        return
    # a process a core: threads of polars beside them would only take turns
    one_thread = {"POLARS_MAX_THREADS": "1"}
    pool = get_reusable_executor(
        max_workers=processes, env=one_thread, initializer=_begin, initargs=(steps := _steps(),)
    )
    running = {pool.submit(_in_process, stage.published.root, stage.name, lane) for lane in lanes}
    try:
        while running:
            done, running = wait(running, _LOOK_S)
            while not steps.empty():
                progress.step(steps.get())
            for each in done:
                yield from each.result()
    finally:
        for each in running:
            each.cancel()


@cache
def _steps() -> Any:
    """Return the queue of the days that processes have done. One for all: with another, loky starts processes anew."""
    return get_context().SimpleQueue()


class _Steps(Silent):
    """The progress of a process: told to the one that started it."""

    def __init__(self, queue: Any) -> None:
        self.queue = queue

    def step(self, note: str = "", advance: int = 1, rows: int = 0) -> None:
        """Put the step into the queue."""
        self.queue.put(note)


_progress: Progress = Silent()


def _begin(steps: Any) -> None:
    """Begin a process: it puts its steps into the queue, and ends when the one that started it is gone.

    It ends without tearing its modules down: DuckDB's would complain of that at length.
    """
    global _progress
    _progress = _Steps(steps)
    parent = os.getppid()
    atexit.register(os._exit, 0)

    def watch() -> None:
        while os.getppid() == parent:
            sleep(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _in_process(root: Path, stage: str, lane: Lane) -> list[Built]:
    return _walk(Stage(Store(root), stage), lane, _progress, None)


def _walk(stage: Stage, lane: Lane, progress: Progress, reader: Reader | None) -> list[Built]:
    walk = Walk(stage.store, lane, reader)
    for day in walk.run():
        progress.step(f"{lane.name} {day}")
    return walk.built
