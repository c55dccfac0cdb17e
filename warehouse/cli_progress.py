"""How far a run is: bars on a terminal, a line a stage elsewhere; always on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import get_ident
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from warehouse.progress import Progress


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


_WORTH_SAYING_S = 1.0


@dataclass
class Line:
    """A stage under way."""

    name: str
    total: int
    began: float
    done: int = 0


class Lines:
    """A line when a stage begins and when it has ended. Venues are asked side by side, each in its own thread."""

    def __init__(self) -> None:
        self.under_way: dict[int, Line] = {}

    def stage(self, name: str, total: int) -> None:
        """Ends the thread's stage before and begins this one."""
        self._end(self.under_way.pop(get_ident(), None))
        if total:
            self.under_way[get_ident()] = Line(name, total, time.monotonic())
            _say(f"{name}: {total} to do")

    def step(self, note: str = "", advance: int = 1) -> None:
        """Counts."""
        if line := self.under_way.get(get_ident()):
            line.done += advance
            if line.done == line.total:
                self._end(self.under_way.pop(get_ident()))

    def end(self) -> None:
        """Says how what is still under way went."""
        for line in self.under_way.values():
            self._end(line)
        self.under_way.clear()

    def _end(self, line: Line | None) -> None:
        if line and time.monotonic() - line.began > _WORTH_SAYING_S:
            _say(f"{line.name}: {line.done} of {line.total} in {time.monotonic() - line.began:.1f} s")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class OnTerminal:
    """A bar a stage; those that have ended stay."""

    def __init__(self, bars: Bars) -> None:
        self.bars = bars
        self.named: dict[str, TaskID] = {}
        self.tasks: dict[int, TaskID] = {}

    def stage(self, name: str, total: int) -> None:
        """Begins a bar, or goes on with the one of that name: a venue is asked in several rounds."""
        if name not in self.named:
            self.named[name] = self.bars.add_task(name, total=0, note="")
        task = self.tasks[get_ident()] = self.named[name]
        self.bars.update(task, total=(self.bars.tasks[task].total or 0) + total)

    def step(self, note: str = "", advance: int = 1) -> None:
        """Moves the thread's bar."""
        if (task := self.tasks.get(get_ident())) is not None:
            self.bars.update(task, advance=advance, note=note[:40])


@contextmanager
def _bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("[dim]{task.fields[note]}"), console=Console(stderr=True)) as bars:
        yield OnTerminal(bars)
