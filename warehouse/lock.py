"""One writer of a warehouse at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from warehouse.errors import Busy


@contextmanager
def lock(root: Path) -> Iterator[None]:
    """One run at a time. The system lets go of the lock when its holder dies."""
    try:
        with FileLock(root / ".lock", timeout=5):
            yield
    except Timeout as error:
        raise Busy(f"another run holds {root}; wait for it or set LIQ_WAREHOUSE to another folder") from error
