"""Executes lanes: here, or on all cores where there are enough days to be worth starting processes for."""

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

_WORTH_A_PROCESS = 8  # days of a coin: with fewer, starting one costs more than it saves


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
    """End this process when the one that started it is gone: what it builds then is for nobody.

    It ends without tearing its modules down: DuckDB's would complain of that at length.
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
