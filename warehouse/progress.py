"""How a run reports its progress. The caller decides what that looks like."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Hears of each stage and of each step in it. A thread has one stage at a time; several run side by side."""

    def stage(self, name: str, total: int, unit: str) -> None:
        """Begin a stage of `total` requests, days, hours or other `unit`; end the thread's stage before."""

    def grow(self, by: int) -> None:
        """Add steps to the thread's stage, or, with a negative number, take away those that are not needed."""

    def step(self, note: str = "", advance: int = 1, rows: int = 0) -> None:
        """Count steps that are done, and the rows that came of them."""


class Silent:
    """Reports to nobody."""

    def stage(self, name: str, total: int, unit: str) -> None:
        """Do nothing."""

    def grow(self, by: int) -> None:
        """Do nothing."""

    def step(self, note: str = "", advance: int = 1, rows: int = 0) -> None:
        """Do nothing."""
