"""An engine that only notes what the tasks of the DAGs call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

PARTITIONS = {"core.price_bars": 3, "mart.sweeps": 3, "ops.gaps": 1}
_TASKS = ("collect", "collect_metadata", "coins", "publish", "draw")


class Engine:
    """The functions of `warehouse.pipeline.tasks` that tasks call; each notes its calls and does nothing.

    crash: names of functions, exchanges or coins whose calls raise. quarantined: by coin, what `publish` returns.
    """

    def __init__(self, crash: tuple[str, ...] = (), quarantined: dict[str, list[list[str]]] | None = None) -> None:
        self.crash, self.quarantined = crash, quarantined or {}
        self.called: list[str] = []
        self.plans: list[Any] = []

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Put the functions in the place of the real ones."""
        from warehouse.pipeline import tasks

        for name in _TASKS:
            patch.setattr(tasks, name, self._noting(name))

    def _noting(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            plan = next((each for each in arguments if not isinstance(each, str)), None)
            about = [each for each in arguments if isinstance(each, str)]
            if name == "publish":
                about = list(plan.coins)
            self.called.append(" ".join([name, *about]))
            self.plans += [plan] if plan else []
            if set(self.crash) & {name, *about}:
                raise RuntimeError(f"{name} crashed on purpose")
            if name == "coins":
                return list(plan.coins)
            if name == "publish":
                held = [held for coin in about for held in self._held(coin)]
                return {"published": 7, "partitions": PARTITIONS, "coins": about, "quarantined": held}
            return {}

        return call

    def _held(self, coin: str) -> list[list[str]]:
        return self.quarantined.get(coin, [])
