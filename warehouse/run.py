"""A run, stage by stage: collect, normalise, estimate, check, publish. The DAG calls the same functions one by one."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from threading import Thread
from typing import Any

from warehouse import stages
from warehouse.check import check_staged, held_back
from warehouse.clock import utc_now
from warehouse.lock import lock
from warehouse.plan import Plan
from warehouse.progress import Progress, Silent
from warehouse.run_log import RunSummary
from warehouse.settings import Settings
from warehouse.sources import Served, serving
from warehouse.store import Stage, open_store, recover, sweep_temporary

__all__ = [
    "Plan",
    "RunSummary",
    "check",
    "collect",
    "collect_metadata",
    "estimate",
    "normalise",
    "publish",
    "report",
    "run",
]


def run(
    settings: Settings,
    first_hour: datetime,
    last_hour: datetime,
    *,
    progress: Progress | None = None,
    served: Served | None = None,
) -> RunSummary:
    """Runs the hours from first to last (naive UTC, both included) through every stage.

    served: venues that are being served already, else those of the settings. Raises UserError for a warehouse that
    cannot be used, Busy when another run holds it.
    """
    progress, started = progress or Silent(), utc_now()
    plan = Plan.of_range(first_hour, last_hour, settings)
    store = open_store(settings.root, settings.source, create=True)
    summary = RunSummary.of(plan, settings)
    # the checks take seconds to load, while the first stages mostly wait for venues and other processes
    Thread(target=import_module, args=("expectations.gx",), daemon=True).start()
    with stages.collectors(store, settings, plan, served, progress) as collectors:
        for chunk in plan.chunks(stages.CHUNK):
            stages.collect_all(collectors, chunk, summary)
            with lock(settings.root, settings.wait_s, progress):
                recover(store)
                sweep_temporary(store.root)
                _make(Stage(store, chunk.run_id), chunk, progress, summary)
    with lock(settings.root, settings.wait_s, progress):
        stages.finish(store, plan, summary, started)
    return summary


def _make(stage: Stage, plan: Plan, progress: Progress, summary: RunSummary) -> None:
    stages.normalise(stage, plan, progress)
    stages.estimate(stage, plan, progress)
    stages.check(stage, plan, progress, summary)
    stages.publish(stage, plan, progress, summary)


def collect(plan: Plan, exchange: str) -> dict[str, int]:
    """Stage 1 of the DAG, once a venue: outcomes of its requests."""
    settings, store = stages.opened()
    with serving(settings) as served, stages.collector(store, settings, exchange, served, Silent()) as collector:
        return dict(collector.metadata(plan.coins) + collector.collect(plan))


def collect_metadata(exchange: str) -> dict[str, int]:
    """Instruments and tiers of a venue, once a day: outcomes of its requests."""
    settings, store = stages.opened()
    with serving(settings) as served, stages.collector(store, settings, exchange, served, Silent()) as collector:
        return dict(collector.metadata(settings.coins))


def normalise(plan: Plan) -> dict[str, int]:
    """Stage 2: payloads to core tables, in the stage. Returns partitions staged."""
    settings, store = stages.opened()
    stage = Stage(store, plan.run_id)
    with lock(settings.root, settings.wait_s):
        recover(store, keep=plan.run_id)
        sweep_temporary(store.root)
        stages.normalise(stage, plan, Silent())
    return {"partitions": sum(1 for _ in stage.staged())}


def estimate(plan: Plan) -> dict[str, int]:
    """Stage 3: the map and what derives from it, in the stage. Returns partitions staged."""
    settings, store = stages.opened()
    stage = Stage(store, plan.run_id)
    with lock(settings.root, settings.wait_s):
        _reach(stage, plan, "normalised")
        stages.estimate(stage, plan, Silent())
    return {"partitions": sum(1 for _ in stage.staged())}


def check(plan: Plan) -> dict[str, Any]:
    """Stage 4: the one validation task. Returns how many checks ran, warnings, and what was quarantined."""
    settings, store = stages.opened()
    stage, summary = Stage(store, plan.run_id), RunSummary.of(plan, settings)
    with lock(settings.root, settings.wait_s):
        _reach(stage, plan, "estimated")
        stages.check(stage, plan, Silent(), summary)
    return {
        "checks": summary.checks,
        "warnings": summary.warnings,
        "quarantined": [list(q) for q in summary.quarantined],
    }


def publish(plan: Plan) -> dict[str, Any]:
    """Stage 5: what passed is published, all together. Returns how many partitions, and where the catalog is."""
    settings, store = stages.opened()
    stage, summary = Stage(store, plan.run_id), RunSummary.of(plan, settings)
    with lock(settings.root, settings.wait_s):
        _reach(stage, plan, "checked")
        summary.quarantined = held_back(stage, plan)
        stages.publish(stage, plan, Silent(), summary)
        stages.finish(store, plan, summary, utc_now())
    return {"published": summary.published, "catalog": str(summary.catalog)}


def report(plan: Plan) -> dict[str, Any]:
    """Stage 6: a page of pictures a coin. One that cannot be drawn is told, and costs nothing else."""
    settings, _ = stages.opened()
    written, failed = stages.report(settings, plan.coins, Silent())
    return {"reports": [str(path) for path in written], "not_drawn": failed}


def _reach(stage: Stage, plan: Plan, mark: str) -> None:
    """Brings the stage to where an earlier task had left it, if a run in between has dropped it."""
    if not stage.reached("normalised"):
        stages.normalise(stage, plan, Silent())
    if mark != "normalised" and not stage.reached("estimated"):
        stages.estimate(stage, plan, Silent())
    if mark == "checked" and not stage.reached("checked"):
        check_staged(stage, plan, Silent())
