"""The interface by which a run reports its progress; the caller decides how to show it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A receiver of stages and their steps. Each thread has one stage at a time; threads report concurrently."""

    def stage(self, name: str, total: int, unit: str) -> None:
        """Begin a stage of `total` requests, days, hours or another `unit`; it ends the thread's previous stage."""

    def grow(self, by: int) -> None:
        """Add `by` units to the thread's stage; a negative number removes units that are not needed."""

    def step(self, note: str = "", advance: int = 1, rows: int = 0) -> None:
        """Report `advance` finished units of the stage, and the number of rows they gave."""


class Silent:
    """A progress receiver that ignores everything."""

    def stage(self, name: str, total: int, unit: str) -> None:
        """Ignore the stage."""

    def grow(self, by: int) -> None:
        """Ignore the growth."""

    def step(self, note: str = "", advance: int = 1, rows: int = 0) -> None:
        """Ignore the step."""
