"""How a run tells what it is doing. Whoever waits decides how that looks."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of each stage and of each step in it."""

    def stage(self, name: str, total: int) -> None:
        """A stage begins, of `total` steps."""

    def step(self, note: str = "", advance: int = 1) -> None:
        """A step is done."""


class Silent:
    """Tells nobody."""

    def stage(self, name: str, total: int) -> None:
        """Nothing."""

    def step(self, note: str = "", advance: int = 1) -> None:
        """Nothing."""
