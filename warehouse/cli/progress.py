"""The progress of a run on standard error: bars on a terminal, lines in a log, both with rich."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import TYPE_CHECKING

from warehouse.cli.output import printer

if TYPE_CHECKING:
    from rich.progress import Progress as Tasks
    from rich.progress import Task

    from warehouse.progress import Progress

_WORTH_A_LINE_S = 1.0
_EVERY_S = 10.0
_WIDE = 140
_RECENT_S = 30.0
"""The window over which speed is measured: short, because a stage starts slowly."""


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Show bars on a terminal, and print lines elsewhere."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = printer(to_error=True)
    is_wide = console.width >= _WIDE
    columns = (
        TextColumn("{task.description:<18}"), BarColumn(40 if is_wide else 12), MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
        *((TextColumn("{task.fields[rows]:>10,} rows"), TextColumn("[dim]{task.fields[note]}")) if is_wide else ()),
    )  # fmt: skip
    quiet = not sys.stderr.isatty()
    with Progress(*columns, console=console, speed_estimate_period=_RECENT_S, disable=quiet) as tasks:
        yield (reporter := Lines(tasks) if quiet else Bars(tasks))
        reporter.end()


class Bars:
    """A bar for each stage; finished bars stay on screen."""

    def __init__(self, tasks: Tasks) -> None:
        self.tasks = tasks
        self.by_thread: dict[int, Task] = {}

    def stage(self, name: str, total: int, unit: str) -> None:
        """Begin a bar, or continue the one with that name: a range is collected and built a week at a time."""
        before = next((task for task in self.tasks.tasks if task.description == name), None)
        self.by_thread[get_ident()] = before or self._begin(name, total, unit)
        self.grow(total if before else 0)

    def grow(self, by: int) -> None:
        """Change the total of the thread's stage."""
        if (task := self.by_thread.get(get_ident())) and by:
            total = (task.total or 0) + by
            if task.finished or total <= task.completed:
                self.tasks.update(task.id, total=total)
            else:  # an update would reset its measured speed
                task.total = total

    def step(self, note: str = "", advance: int = 1, rows: int = 0) -> None:
        """Move the thread's bar."""
        if task := self.by_thread.get(get_ident()):
            self.tasks.update(task.id, advance=advance, note=note[:40], rows=task.fields["rows"] + rows)

    def end(self) -> None:
        """Leave the bars as they are."""

    def _begin(self, name: str, total: int, unit: str) -> Task:
        at = self.tasks.add_task(name, total=total, note="", unit=unit, rows=0, printed_s=0.0)
        task = self.tasks.tasks[at]
        self.tasks.advance(task.id, 0)  # rich measures speed between steps: this is the first
        return task


class Lines(Bars):
    """A line when a stage begins, every few seconds, and when it has ended.

    Exchanges are collected in parallel, each in its own thread.
    """

    def __init__(self, tasks: Tasks) -> None:
        super().__init__(tasks)
        self.ended: set[str] = set()

    def stage(self, name: str, total: int, unit: str) -> None:
        """End the thread's stage and begin this one."""
        self._end(self.by_thread.pop(get_ident(), None))
        if total:
            task = self._begin(name, total, unit)
            if not self._has_parallel(task):
                self.ended.discard(_kind(task))
            self.by_thread[get_ident()] = task
            self._print(f"{name}: {total:,} {unit} to do")

    def grow(self, by: int) -> None:
        """Change the total, and end the stage if nothing is left to do."""
        super().grow(by)
        task = self.by_thread.get(get_ident())
        if task and (task.total or 0) <= task.completed:
            self._end(self.by_thread.pop(get_ident()))

    def step(self, note: str = "", advance: int = 1, rows: int = 0) -> None:
        """Count, and print a line when one is due."""
        super().step(note, advance, rows)
        task = self.by_thread.get(get_ident())
        if task and task.finished:
            self._end(self.by_thread.pop(get_ident()))
        elif task and (elapsed := task.elapsed or 0.0) - task.fields["printed_s"] > _EVERY_S:
            task.fields["printed_s"] = elapsed
            others_done = (
                ", and the others are done" if _kind(task) in self.ended and not self._has_parallel(task) else ""
            )
            self._print(f"{_so_far(task)}{_ahead(task)}{others_done}" + (f" ({note})" if note else ""))

    def end(self) -> None:
        """Print the progress of the unfinished stages."""
        for task in self.by_thread.values():
            self._end(task)
        self.by_thread.clear()

    def _has_parallel(self, task: Task) -> bool:
        return any(other is not task and _kind(other) == _kind(task) for other in list(self.by_thread.values()))

    def _end(self, task: Task | None) -> None:
        if task is None:
            return
        self.ended.add(_kind(task))
        if (elapsed := task.elapsed or 0.0) > _WORTH_A_LINE_S:
            self._print(f"{_so_far(task)} in {elapsed:.1f} s")

    def _print(self, text: str) -> None:
        self.tasks.console.print(text, markup=False, soft_wrap=True)


def _kind(task: Task) -> str:
    """Return the kind of a stage, the first word of its name: `collect` for `collect okx`."""
    return task.description.split()[0]


def _so_far(task: Task) -> str:
    rows = f", {task.fields['rows']:,} rows" if task.fields["rows"] else ""
    return f"{task.description}: {task.completed:,.0f} of {task.total:,.0f} {task.fields['unit']}{rows}"


def _ahead(task: Task) -> str:
    """Return the recent speed, and the time left at that speed."""
    return f", {task.speed:.1f} a second, {(task.remaining or 0) / task.speed:,.0f} s left" if task.speed else ""
