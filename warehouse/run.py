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
from warehouse.run_log import RunSummary, finish
from warehouse.settings import Settings
from warehouse.sources import Served, serving
from warehouse.store import Stage, Store, open_store, recover, sweep_temporary

__all__ = ["Plan", "RunSummary", "check", "collect", "collect_metadata", "estimate", "normalise", "publish", "run"]


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
    with lock(settings.root), stages.collectors(store, settings, plan, served, progress) as collectors:
        recover(store)
        sweep_temporary(store.root)
        # the checks take seconds to load, while the first stages mostly wait for venues and other processes
        Thread(target=import_module, args=("expectations.gx",), daemon=True).start()
        for chunk in plan.chunks(stages.CHUNK):
            stages.collect_all(collectors, chunk, summary)
            stages.normalise(store, chunk, progress)
            stages.estimate(store, chunk, progress)
            stages.check(store, chunk, progress, summary)
            stages.publish(store, settings, chunk, progress, summary)
        finish(store, summary, started)
    return summary


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
    with lock(settings.root):
        recover(store, keep=plan.run_id)
        sweep_temporary(store.root)
        stages.normalise(store, plan, Silent())
    return {"partitions": sum(1 for _ in Stage(store, plan.run_id).staged())}


def estimate(plan: Plan) -> dict[str, int]:
    """Stage 3: the map and what derives from it, in the stage. Returns partitions staged."""
    settings, store = stages.opened()
    with lock(settings.root):
        _reach(store, plan, "normalised")
        stages.estimate(store, plan, Silent())
    return {"partitions": sum(1 for _ in Stage(store, plan.run_id).staged())}


def check(plan: Plan) -> dict[str, Any]:
    """Stage 4: the one validation task. Returns how many checks ran, warnings, and what was quarantined."""
    settings, store = stages.opened()
    summary = RunSummary.of(plan, settings)
    with lock(settings.root):
        _reach(store, plan, "estimated")
        stages.check(store, plan, Silent(), summary)
    return {
        "checks": summary.checks,
        "warnings": summary.warnings,
        "quarantined": [list(q) for q in summary.quarantined],
    }


def publish(plan: Plan) -> dict[str, Any]:
    """Stage 5: what passed is published, all together. Returns how many partitions, and where the catalog is."""
    settings, store = stages.opened()
    summary = RunSummary.of(plan, settings)
    with lock(settings.root):
        _reach(store, plan, "checked")
        summary.quarantined = held_back(Stage(store, plan.run_id), plan)
        stages.publish(store, settings, plan, Silent(), summary)
        finish(store, summary, utc_now())
    return {"published": summary.published, "catalog": str(summary.catalog)}


def _reach(store: Store, plan: Plan, mark: str) -> None:
    """Brings the stage to where an earlier task had left it, if a run in between has dropped it."""
    stage = Stage(store, plan.run_id)
    if not stage.reached("normalised"):
        stages.normalise(store, plan, Silent())
    if mark != "normalised" and not stage.reached("estimated"):
        stages.estimate(store, plan, Silent())
    if mark == "checked" and not stage.reached("checked"):
        check_staged(stage, plan, Silent())
