"""The publication lock. Locks are advisory file locks, released by the OS if a process dies.

One run at a time may publish. Separate locks guard an exchange's raw partitions, written by its collector
(ingest/collector.py), and a stage, written by its run (staging.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from warehouse.errors import Busy
from warehouse.progress import Progress, Silent

_AT_ONCE_S = 1.0


@contextmanager
def lock(root: Path, wait_s: float, progress: Progress | None = None) -> Iterator[None]:
    """Hold the publication lock during the block. Raises Busy if another run holds it for `wait_s` seconds."""
    file_lock, progress = FileLock(root / ".lock"), progress or Silent()
    try:
        try:
            file_lock.acquire(timeout=min(wait_s, _AT_ONCE_S))
        except Timeout:
            progress.stage("wait for another run", 1, "runs")
            file_lock.acquire(timeout=max(wait_s - _AT_ONCE_S, 0.0))
            progress.step()
    except Timeout as error:
        raise Busy(f"another run holds {root}; wait for it or set LIQ_WAREHOUSE to another folder") from error
    try:
        yield
    finally:
        file_lock.release()
