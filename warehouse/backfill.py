"""Filling a past range: what is reported first, a week at a time, then the map over all of it in one go."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from transforms.exchanges.reach import Reach, reach
from warehouse import rebuild, stages
from warehouse.clock import HOUR, utc_now
from warehouse.estimate import Coin, note_changes
from warehouse.lock import lock
from warehouse.plan import Plan
from warehouse.progress import Progress, Silent
from warehouse.reached import findings
from warehouse.run_log import RunSummary, finish
from warehouse.settings import Settings
from warehouse.sources import Served
from warehouse.store import Stage, Store, open_store, recover, sweep_temporary


def sources(settings: Settings, plan: Plan, served: Served) -> list[Reach]:
    """Where what the plan's hours need will be asked for, and what cannot be had. A window in doubt is asked for."""
    known, first, last = findings(settings, plan, served), plan.first_hour, plan.last_hour
    return [each for exchange in plan.exchanges for each in reach(exchange, first, last, served.now, known)]


def depending_hours(store: Store, plan: Plan) -> dict[str, int]:
    """By coin, how many published hours come after the plan's: they are made again where anything before changes."""
    later = {}
    for name in stages.coins(store, plan):
        until = Coin(name, store, store).estimated_until()
        if until is not None and until > plan.last_hour:
            later[name] = (until - plan.last_hour) // HOUR
    return later


def backfill(
    settings: Settings,
    first_hour: datetime,
    last_hour: datetime,
    *,
    again: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
    served: Served | None = None,
) -> RunSummary:
    """Fills the hours from first to last (naive UTC, both included), and makes again what depends on them.

    Killed at any moment and called again, it does what is left. Between weeks it lets go of the warehouse, so that
    hourly runs go on. again: makes every map of the range again, whether or not anything changed; workers: coins at a
    time. Raises UserError for a warehouse that cannot be used, Busy when another run holds it.
    """
    progress, started = progress or Silent(), utc_now()
    plan = Plan.of_range(first_hour, last_hour, settings)
    store = open_store(settings.root, settings.source, create=True)
    summary = RunSummary.of(plan, settings)
    with stages.collectors(store, settings, plan, served, progress) as collectors:
        for chunk in plan.chunks(stages.CHUNK):
            with lock(settings.root):
                recover(store)
                sweep_temporary(store.root)
                stages.collect_all(collectors, chunk, summary)
                _fill_core(store, settings, chunk, progress, summary)
    with lock(settings.root):
        recover(store)
        if again:
            rebuild.note(store.root, dict.fromkeys(stages.coins(store, plan), first_hour))
        _make_maps(store, settings, plan, progress, summary, workers)
        finish(store, summary, started)
    return summary


def core(plan: Plan) -> dict[str, Any]:
    """For the DAG, when all is collected: core tables of the plan's hours. Returns what was quarantined."""
    settings, store = stages.opened()
    summary = RunSummary.of(plan, settings)
    for chunk in plan.chunks(stages.CHUNK):
        with lock(settings.root):
            recover(store)
            sweep_temporary(store.root)
            _fill_core(store, settings, chunk, Silent(), summary)
    return {"published": summary.published, "quarantined": [list(each) for each in summary.quarantined]}


def maps(plan: Plan) -> dict[str, Any]:
    """For the DAG, after `core`: the maps of the plan's hours and of those that depend on them."""
    settings, store = stages.opened()
    summary, started = RunSummary.of(plan, settings), utc_now()
    with lock(settings.root):
        recover(store)
        _make_maps(store, settings, plan, Silent(), summary, None)
        finish(store, summary, started)
    return {"published": summary.published, "quarantined": [list(each) for each in summary.quarantined]}


def _fill_core(store: Store, settings: Settings, plan: Plan, progress: Progress, summary: RunSummary) -> None:
    """What was reported is published without its map; from where on that is out of date is noted before."""
    stages.normalise(store, plan, progress)
    stages.check(store, plan, progress, summary)
    stage = Stage(store, plan.run_id)
    note_changes(stage, stages.coins(stage.store, plan))
    stages.publish(store, settings, plan, progress, summary)


def _make_maps(
    store: Store, settings: Settings, plan: Plan, progress: Progress, summary: RunSummary, workers: int | None
) -> None:
    Stage(store, plan.run_id).clear()
    stages.estimate(store, plan, progress, workers)
    stages.check(store, plan, progress, summary)
    summary.gaps = summary.gaps.clear()  # told week by week; publishing tells all of the range
    stages.publish(store, settings, plan, progress, summary)
