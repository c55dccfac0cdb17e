"""A fake engine that records the calls of the DAGs' tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

PARTITIONS = {"core.price_bars": 3, "mart.sweeps": 3, "ops.gaps": 1}
_TASKS = ("collect", "collect_metadata", "coins", "publish", "draw")


class Engine:
    """Fakes of the functions of `warehouse.pipeline.tasks`; each records its calls and does nothing else.

    crash: functions, exchanges or coins with calls that raise. quarantined: result of `publish`, by coin.
    """

    def __init__(self, crash: tuple[str, ...] = (), quarantined: dict[str, list[list[str]]] | None = None) -> None:
        self.crash, self.quarantined = crash, quarantined or {}
        self.called: list[str] = []
        self.plans: list[Any] = []

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Replace the real functions with the fakes."""
        from warehouse.pipeline import tasks

        for name in _TASKS:
            patch.setattr(tasks, name, self._recording(name))

    def _recording(self, name: str) -> Callable[..., Any]:
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
