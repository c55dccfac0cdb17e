"""The execution of lanes: in this process, or on all cores if there are enough days to build."""

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

_MIN_DAYS_PER_PROCESS = 8  # with fewer days of a coin, starting a process costs more than it saves
_LOOK_S = 0.5


def compile_once(progress: Progress) -> None:
    """Compile the model if numba's cache does not hold this version, so that workers do not each compile it.

    The marker file is written last, so that an interrupted compilation is repeated.
    """
    folder = os.environ.get("NUMBA_CACHE_DIR")
    mark = Path(folder, f"whole-{numba.__version__}") if folder else None
    if mark and mark.exists():
        return
    progress.stage("compile the model, once", 1, "model")
    compile_model()
    if mark:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    progress.step()


def walk_all(stage: Stage, lanes: Sequence[Lane], progress: Progress, workers: int | None) -> Iterator[Built]:
    """Walk independent lanes and yield the built units."""
    processes = min(
        workers or os.cpu_count() or 1, len(lanes), sum(lane.work for lane in lanes) // _MIN_DAYS_PER_PROCESS
    )
    if processes <= 1:
        reader = Reader(stage.store)
        for lane in lanes:
            yield from _walk(stage, lane, progress, reader)
        return
    # one process per core: polars threads would only compete with them
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
    """Return the queue of finished days. There is one: given another, loky would restart its processes."""
    return get_context().SimpleQueue()


class _Steps(Silent):
    """Progress of a worker, sent to its parent."""

    def __init__(self, queue: Any) -> None:
        self.queue = queue

    def step(self, note: str = "", advance: int = 1, rows: int = 0) -> None:
        """Send the step to the parent."""
        self.queue.put(note)


_progress: Progress = Silent()


def _begin(steps: Any) -> None:
    """Set up a worker: it reports to the queue, and exits if its parent dies.

    `os._exit` skips the teardown of modules, during which DuckDB prints errors.
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
