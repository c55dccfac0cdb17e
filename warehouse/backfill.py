"""Filling a past range: what is reported first, a week at a time, then the map over all of it in one go."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any

from transforms.exchanges.reach import Reach, reach
from warehouse import rebuild, stages
from warehouse.clock import HOUR, utc_now
from warehouse.estimate import Coin, note_changes
from warehouse.filled import is_filled, note_filled
from warehouse.lock import claim, claim_all, lock
from warehouse.maps import make_maps
from warehouse.plan import Plan
from warehouse.progress import Progress, Silent
from warehouse.reached import findings
from warehouse.run_log import RunSummary
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

    Killed at any moment and called again, it does what is left. Hourly runs go on meanwhile. again: makes every map of
    the range again, whether or not anything changed; workers: coins at a time. Raises UserError for a warehouse that
    cannot be used, Busy when another run keeps it.
    """
    progress, started = progress or Silent(), utc_now()
    plan = replace(Plan.of_range(first_hour, last_hour, settings), catches_up=False)
    store = open_store(settings.root, settings.source, create=True)
    summary = RunSummary.of(plan, settings)
    with ExitStack() as claims:
        # from the start: an hourly run would make again at once what is filled week by week
        claimed = claim_all(claims, settings.root, plan.named_coins, settings.wait_s, progress)
        with stages.collectors(store, settings, plan, served, progress) as collectors:
            for chunk in plan.chunks(stages.CHUNK):
                stages.collect_all(collectors, chunk, summary)
                _fill_core(store, settings, chunk, progress, summary, again=again)
        names = stages.coins(store, plan)
        claim_all(claims, settings.root, set(names) - claimed, settings.wait_s, progress)
        if again:
            with lock(settings.root, settings.wait_s, progress):
                rebuild.note(store.root, dict.fromkeys(names, first_hour))
        make_maps(store, settings, plan, names, progress, summary, workers)
    with lock(settings.root, settings.wait_s, progress):
        stages.finish(store, plan, summary, started)
    return summary


def core(plan: Plan, *, again: bool = False) -> dict[str, Any]:
    """For the DAG, when all is collected: core tables of the plan's hours. again: maps are made again in any case.

    Returns what was published and quarantined, and the coins whose maps are now to be made.
    """
    settings, store = stages.opened()
    summary = RunSummary.of(plan, settings)
    for chunk in plan.chunks(stages.CHUNK):
        _fill_core(store, settings, chunk, Silent(), summary, again=again)
    if again:
        with lock(settings.root, settings.wait_s):
            rebuild.note(store.root, dict.fromkeys(stages.coins(store, plan), plan.first_hour))
    return _outcome(summary) | {"coins": stages.coins(store, plan)}


def maps(plan: Plan, coin: str) -> dict[str, Any]:
    """For the DAG, after `core`: the maps of one coin for the plan's hours and for those that depend on them."""
    settings, store = stages.opened()
    plan = replace(plan, coins=(coin,))
    summary, started = RunSummary.of(plan, settings), utc_now()
    with claim(settings.root, coin, settings.wait_s):
        make_maps(store, settings, plan, [coin], Silent(), summary, None)
    with lock(settings.root, settings.wait_s):
        stages.finish(store, plan, summary, started)
    return _outcome(summary)


def _outcome(summary: RunSummary) -> dict[str, Any]:
    return {"published": summary.published, "quarantined": [list(each) for each in summary.quarantined]}


def _fill_core(
    store: Store, settings: Settings, plan: Plan, progress: Progress, summary: RunSummary, *, again: bool
) -> None:
    """What was reported is published without its map; from where on that is out of date is noted before.

    Not where it was made of all that is stored already, unless `again`.
    """
    stage, held = Stage(store, plan.run_id), len(summary.quarantined)
    with lock(settings.root, settings.wait_s, progress):
        recover(store)
        sweep_temporary(store.root)
        if not again and is_filled(store, plan, stages.coins(store, plan)):
            return
        stages.normalise(stage, plan, progress)
        stages.check(stage, plan, progress, summary)
        note_changes(stage, stages.coins(stage.store, plan))
        stages.publish(stage, plan, progress, summary)
        if len(summary.quarantined) == held:
            note_filled(store, plan, stages.coins(store, plan))
