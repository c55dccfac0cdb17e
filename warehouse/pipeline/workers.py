"""The execution of lanes: in this process, or on all cores if there are enough days to build."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from pathlib import Path
from threading import Thread
from time import sleep

from loky import get_reusable_executor

from warehouse.pipeline.engine import Built, Lane, Walk
from warehouse.pipeline.inputs import Reader
from warehouse.progress import Progress, Silent
from warehouse.storage.staging import Stage
from warehouse.storage.store import Store

_MIN_DAYS_PER_PROCESS = 8  # with fewer days of a coin, starting a process costs more than it saves


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
    pool = get_reusable_executor(max_workers=processes, env=one_thread, initializer=_end_with_parent)
    tasks = {pool.submit(_in_process, stage.published.root, stage.name, lane): lane for lane in lanes}
    try:
        for done in as_completed(tasks):
            yield from done.result()
            progress.step(tasks[done].name, len(tasks[done].days))
    finally:
        for task in tasks:
            task.cancel()


def _end_with_parent() -> None:
    """Exit this process when its parent is gone, since nobody would use the result.

    `os._exit` skips the teardown of modules, during which DuckDB prints errors.
    """
    parent = os.getppid()
    atexit.register(os._exit, 0)

    def watch() -> None:
        while os.getppid() == parent:
            sleep(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _in_process(root: Path, stage: str, lane: Lane) -> list[Built]:
    return _walk(Stage(Store(root), stage), lane, Silent(), None)


def _walk(stage: Stage, lane: Lane, progress: Progress, reader: Reader | None) -> list[Built]:
    walk = Walk(stage.store, lane, reader)
    for day in walk.run():
        progress.step(f"{lane.name} {day}")
    return walk.built
