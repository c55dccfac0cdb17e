"""Atomic replacement of files: a new file is written under a hidden name in the same folder, then renamed."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from psutil import pid_exists

from warehouse.errors import UserError


def hidden_beside(path: Path) -> Path:
    """Return the hidden path to write before renaming it over `path`, unique to this process."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def sweep(leftovers: Iterable[Path]) -> None:
    """Delete the hidden files of processes that no longer run. A running process may still be writing its own."""
    for leftover in leftovers:
        writer = leftover.name.split(".")[-2]
        if writer.isdigit() and not pid_exists(int(writer)):
            leftover.unlink(missing_ok=True)


def replace(hidden: Path, path: Path) -> None:
    """Rename `hidden` over `path`."""
    hidden.replace(path)


def replace_durably(hidden: Path, path: Path) -> None:
    """Rename `hidden` over `path`, and fsync the file and its folder so that it survives a crash of the machine."""
    fsync(hidden)
    replace(hidden, path)
    fsync(path.parent)


def fsync(path: Path) -> None:
    """Flush a file or a directory to disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def replace_whole(out: Path, write: Callable[[Path], object]) -> Path:
    """Write the user's output file atomically, following symbolic links. Raises UserError if it cannot be written."""
    if out.is_dir():
        raise UserError(f"cannot write {out} (it is a folder); choose another --out")
    target = Path(os.path.realpath(out))
    hidden = hidden_beside(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        sweep(target.parent.glob(f".{glob.escape(target.name)}.*.tmp"))
        write(hidden)
        hidden.replace(target)
    except OSError as error:
        raise UserError(f"cannot write {out} ({error.strerror or error}); choose another --out") from error
    finally:
        with suppress(OSError):  # the folder may not exist
            hidden.unlink()
    return out
