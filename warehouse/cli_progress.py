"""How far a run is: bars on a terminal, a line a stage elsewhere; always on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """What a run tells of itself."""

    def stage(self, name: str, total: int) -> None:
        """A stage of `total` steps begins; the one before has ended."""

    def step(self, note: str = "", advance: int = 1) -> None:
        """Steps are done."""


@contextmanager
def progress() -> Iterator[Progress]:
    """Bars where somebody looks, lines where a log is kept."""
    if sys.stderr.isatty():
        with _bars() as bars:
            yield bars
    else:
        lines = Lines()
        yield lines
        lines.end()


class Lines:
    """One line when a stage begins and one when it has ended."""

    def __init__(self) -> None:
        self.name, self.total, self.done, self.began = "", 0, 0, 0.0

    def stage(self, name: str, total: int) -> None:
        """Ends the stage before and begins this one."""
        self.end()
        self.name, self.total, self.done, self.began = name, total, 0, time.monotonic()
        print(f"{name}: {total} to do", file=sys.stderr, flush=True)

    def step(self, note: str = "", advance: int = 1) -> None:
        """Counts."""
        self.done += advance

    def end(self) -> None:
        """Says how the stage went."""
        if self.name:
            taken = time.monotonic() - self.began
            print(f"{self.name}: {self.done} of {self.total} in {taken:.1f} s", file=sys.stderr, flush=True)
        self.name = ""


@contextmanager
def _bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, TextColumn("[dim]{task.fields[note]}"), console=Console(stderr=True)) as bars:

        class OnTerminal:
            task = None

            def stage(self, name: str, total: int) -> None:
                """Leaves the finished bar standing and begins another."""
                if self.task is not None:
                    bars.update(self.task, note="")
                    bars.stop_task(self.task)
                self.task = bars.add_task(name, total=total, note="")

            def step(self, note: str = "", advance: int = 1) -> None:
                """Moves the bar."""
                if self.task is not None:
                    bars.update(self.task, advance=advance, note=note[:40])

        yield OnTerminal()
