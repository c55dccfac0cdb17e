"""How a run tells what it is doing. Whoever waits decides how that looks."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of each stage and of each step in it. A thread has one stage at a time; several have theirs side by side."""

    def stage(self, name: str, total: int, unit: str) -> None:
        """A stage begins, of `total` requests, days, hours or whatever `unit` says."""

    def step(self, note: str = "", advance: int = 1, rows: int = 0) -> None:
        """Some of it is done, and came to so many rows."""


class Silent:
    """Tells nobody."""

    def stage(self, name: str, total: int, unit: str) -> None:
        """Nothing."""

    def step(self, note: str = "", advance: int = 1, rows: int = 0) -> None:
        """Nothing."""
