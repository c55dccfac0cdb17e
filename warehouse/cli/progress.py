"""How far a run is: bars on a terminal, lines elsewhere; always on standard error."""

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
def show_progress() -> Iterator[Progress]:
    """Bars where somebody looks, lines where a log is kept."""
    if sys.stderr.isatty():
        with _bars() as bars:
            yield bars
    else:
        lines = Lines()
        yield lines
        lines.end()


_WORTH_SAYING_S = 1.0
_EVERY_S = 10.0


@dataclass
class Line:
    """A stage under way."""

    name: str
    total: int
    unit: str
    began: float
    said: float
    done: int = 0
    rows: int = 0

    @property
    def kind(self) -> str:
        """What it shares with those beside it: `collect okx` is one of those that collect."""
        return self.name.split()[0]

    def so_far(self) -> str:
        """How much of it is done."""
        return f"{self.name}: {self.done:,} of {self.total:,} {self.unit}" + (
            f", {self.rows:,} rows" if self.rows else ""
        )

    def ahead(self, now: float) -> str:
        """How fast it goes, and how long it will take at that."""
        speed = self.done / (now - self.began)
        return f"{speed:.1f} a second, {(self.total - self.done) / speed:,.0f} s left" if speed else "nothing done yet"


class Lines:
    """A line when a stage begins, every few seconds, and when it has ended.

    Exchanges are asked and coins estimated side by side, each in a thread of its own.
    """

    def __init__(self) -> None:
        self.under_way: dict[int, Line] = {}
        self.ended: set[str] = set()

    def stage(self, name: str, total: int, unit: str) -> None:
        """Ends the thread's stage before and begins this one."""
        self._end(self.under_way.pop(get_ident(), None))
        if total:
            line = Line(name, total, unit, began := time.monotonic(), began)
            if not self._beside(line):
                self.ended.discard(line.kind)
            self.under_way[get_ident()] = line
            _say(f"{name}: {total:,} {unit} to do")

    def step(self, note: str = "", advance: int = 1, rows: int = 0) -> None:
        """Counts."""
        if line := self.under_way.get(get_ident()):
            line.done += advance
            line.rows += rows
            if line.done == line.total:
                self._end(self.under_way.pop(get_ident()))
            elif (now := time.monotonic()) - line.said > _EVERY_S:
                line.said = now
                alone = line.kind in self.ended and not self._beside(line)
                waits = ", and the others are done" if alone else ""
                _say(f"{line.so_far()}, {line.ahead(now)}{waits}" + (f" ({note})" if note else ""))

    def end(self) -> None:
        """Says how what is still under way went."""
        for line in self.under_way.values():
            self._end(line)
        self.under_way.clear()

    def _beside(self, line: Line) -> bool:
        return any(other is not line and other.kind == line.kind for other in list(self.under_way.values()))

    def _end(self, line: Line | None) -> None:
        if line is None:
            return
        self.ended.add(line.kind)
        if time.monotonic() - line.began > _WORTH_SAYING_S:
            _say(f"{line.so_far()} in {time.monotonic() - line.began:.1f} s")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class OnTerminal:
    """A bar a stage; those that have ended stay."""

    def __init__(self, bars: Bars) -> None:
        self.bars = bars
        self.named: dict[str, TaskID] = {}
        self.tasks: dict[int, TaskID] = {}

    def stage(self, name: str, total: int, unit: str) -> None:
        """Begins a bar, or goes on with the one of that name: an exchange is asked in several rounds."""
        if name not in self.named:
            self.named[name] = self.bars.add_task(name, total=0, note="", unit=unit, rows=0, speed="")
        task = self.tasks[get_ident()] = self.named[name]
        self.bars.update(task, total=(self.bars.tasks[task].total or 0) + total)

    def step(self, note: str = "", advance: int = 1, rows: int = 0) -> None:
        """Moves the thread's bar."""
        if (task := self.tasks.get(get_ident())) is not None:
            told = self.bars.tasks[task]
            speed = f"{told.speed:,.1f}/s" if told.speed else ""
            told_rows = told.fields["rows"] + rows
            self.bars.update(task, advance=advance, note=note[:40], rows=told_rows, speed=speed)


@contextmanager
def _bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[unit]}"),
        TextColumn("{task.fields[speed]:>9}"), TextColumn("{task.fields[rows]:>10,} rows"), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, TextColumn("[dim]{task.fields[note]}"), console=Console(stderr=True)) as bars:
        yield OnTerminal(bars)
