"""Files that are being written: hidden beside their place, named for the process that writes them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from psutil import pid_exists


def hidden_beside(path: Path) -> Path:
    """Where to write what is then renamed over `path`; two processes may at once."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def sweep(leftovers: Iterable[Path]) -> None:
    """Removes those that a killed writer left behind; those of a process that lives are being written."""
    for leftover in leftovers:
        writer = leftover.name.split(".")[-2]
        if writer.isdigit() and not pid_exists(int(writer)):
            leftover.unlink(missing_ok=True)
