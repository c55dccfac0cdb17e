"""Who may write what. Locks are the system's: what a dead process held is free.

A venue's partitions of raw are its collector's (collect.py). A coin's map, while a backfill makes it again beside what
is published, is that backfill's: hourly runs go on meanwhile. All else is checked and published by one run at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from warehouse.errors import Busy
from warehouse.progress import Progress, Silent

_AT_ONCE_S = 1.0


@contextmanager
def lock(root: Path, wait_s: float, progress: Progress | None = None) -> Iterator[None]:
    """What is published, for as long as the block lasts. Raises Busy when another run keeps it for `wait_s`."""
    with _held(root / ".lock", wait_s, progress or Silent(), f"another run holds {root}"):
        yield


@contextmanager
def claim(root: Path, coin: str, wait_s: float, progress: Progress | None = None) -> Iterator[None]:
    """The map of a coin, while it is made again. Raises Busy when another backfill keeps it for `wait_s`."""
    with _held(
        _claim(root, coin), wait_s, progress or Silent(), f"another backfill makes the maps of {coin} in {root}"
    ):
        yield


def claim_all(held: ExitStack, root: Path, names: Iterable[str], wait_s: float, progress: Progress) -> set[str]:
    """Claims each until `held` is closed; in order, so that no two wait for each other."""
    wanted = sorted(names)
    for name in wanted:
        held.enter_context(claim(root, name, wait_s, progress))
    return set(wanted)


def claimed(root: Path, coin: str) -> bool:
    """Whether a backfill that lives is making the coin's map again."""
    try:
        with FileLock(_claim(root, coin), timeout=0):
            return False
    except Timeout:
        return True


def stage_of(coin: str) -> str:
    """The stage in which a coin's map is made by whoever has claimed it."""
    return f"maps-{coin}"


def in_use(root: Path, stage: str) -> bool:
    """Whether the stage is that of a coin that is claimed."""
    return stage.startswith(stage_of("")) and claimed(root, stage.removeprefix(stage_of("")))


def _claim(root: Path, coin: str) -> Path:
    return root / f".lock.maps.{coin}"


@contextmanager
def _held(path: Path, wait_s: float, progress: Progress, by_whom: str) -> Iterator[None]:
    held = FileLock(path)
    try:
        try:
            held.acquire(timeout=min(wait_s, _AT_ONCE_S))
        except Timeout:
            progress.stage("wait for another run", 1, "runs")
            held.acquire(timeout=max(wait_s - _AT_ONCE_S, 0.0))
            progress.step()
    except Timeout as error:
        raise Busy(f"{by_whom}; wait for it or set LIQ_WAREHOUSE to another folder") from error
    try:
        yield
    finally:
        held.release()
