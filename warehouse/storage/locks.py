"""Who may write what. Locks are the system's: what a dead process held is free.

A venue's partitions of raw are its collector's (ingest/collector.py), and a stage is its run's (staging.py). Publishing
is for one run at a time.
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
    """Hold the right to publish for as long as the block lasts. Raises Busy when another run keeps it for `wait_s`."""
    held, progress = FileLock(root / ".lock"), progress or Silent()
    try:
        try:
            held.acquire(timeout=min(wait_s, _AT_ONCE_S))
        except Timeout:
            progress.stage("wait for another run", 1, "runs")
            held.acquire(timeout=max(wait_s - _AT_ONCE_S, 0.0))
            progress.step()
    except Timeout as error:
        raise Busy(f"another run holds {root}; wait for it or set LIQ_WAREHOUSE to another folder") from error
    try:
        yield
    finally:
        held.release()
