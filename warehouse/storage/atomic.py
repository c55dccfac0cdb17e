"""Atomic replacement of files. A new file is written hidden beside its place, then renamed over it."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from psutil import pid_exists

from warehouse.errors import UserError


def hidden_beside(path: Path) -> Path:
    """Return the hidden path to write before renaming it over `path`. Each process has its own."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def sweep(leftovers: Iterable[Path]) -> None:
    """Delete hidden files whose writer was killed. Files of a living process are still being written."""
    for leftover in leftovers:
        writer = leftover.name.split(".")[-2]
        if writer.isdigit() and not pid_exists(int(writer)):
            leftover.unlink(missing_ok=True)


def replace(hidden: Path, path: Path) -> None:
    """Rename `hidden` over `path`."""
    hidden.replace(path)


def replace_durably(hidden: Path, path: Path) -> None:
    """Rename `hidden` over `path` so that it survives a crash of the machine: fsync the file, then its folder."""
    fsync(hidden)
    replace(hidden, path)
    fsync(path.parent)


def fsync(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def replace_whole(out: Path, write: Callable[[Path], object]) -> Path:
    """Write a file of the user's choice atomically, through a link to its target. Raises UserError if it cannot."""
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
