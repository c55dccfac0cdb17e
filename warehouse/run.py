"""A run, stage by stage: collect, normalise, estimate, check, publish. The DAG calls the same functions one by one."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime, timedelta
from importlib import import_module
from threading import Thread
from typing import Any

import polars as pl

from expectations.contract import Table
from expectations.tables import table
from transforms.tables import watermark
from warehouse.check import check_staged, held_back
from warehouse.clock import days, utc_now
from warehouse.collect import Collector, collecting
from warehouse.errors import UserError
from warehouse.estimate import estimate_coins
from warehouse.lock import lock
from warehouse.normalise import normalise_days, reference_tables
from warehouse.plan import Plan
from warehouse.progress import Progress, Silent
from warehouse.prune import prune
from warehouse.recordings import forget, recorded_hours
from warehouse.run_log import RunSummary, finish
from warehouse.settings import Settings, load
from warehouse.sources import Served, serving
from warehouse.store import Stage, Store, open_store, recover, sweep_temporary
from warehouse.sweeps import make_sweeps

__all__ = ["Plan", "RunSummary", "check", "collect", "collect_metadata", "estimate", "normalise", "publish", "run"]

CHUNK = timedelta(days=7)
"""Hours are checked and published this many at a time, so that memory stays flat however long the range."""

GAPS, WATERMARK = table("gaps"), table("watermark")


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
    summary = RunSummary(
        first_hour, last_hour, plan.coins, plan.exchanges, settings.source, settings.root / "catalog.duckdb"
    )
    with lock(settings.root), ExitStack() as opened:
        venues = served or opened.enter_context(serving(settings))
        collectors = [opened.enter_context(_collecting(store, settings, e, venues, progress)) for e in plan.exchanges]
        recover(store)
        sweep_temporary(store.root)
        # the checks take seconds to load, while the first stages mostly wait for venues and other processes
        Thread(target=import_module, args=("expectations.gx",), daemon=True).start()
        for chunk in plan.chunks(CHUNK):
            _collect_all(collectors, chunk, summary)
            _normalise(store, chunk, progress)
            _estimate(store, chunk, progress)
            _check(store, chunk, progress, summary)
            _publish(store, settings, chunk, progress, summary)
        finish(store, summary, started)
    return summary


def collect(plan: Plan, exchange: str) -> dict[str, int]:
    """Stage 1 of the DAG, once a venue: outcomes of its requests."""
    settings = load()
    store = open_store(settings.root, settings.source, create=True)
    with serving(settings) as served, _collecting(store, settings, exchange, served, Silent()) as collector:
        return dict(collector.metadata(plan.coins) + collector.collect(plan))


def collect_metadata(exchange: str) -> dict[str, int]:
    """Instruments and tiers of a venue, once a day: outcomes of its requests."""
    settings = load()
    store = open_store(settings.root, settings.source, create=True)
    with serving(settings) as served, _collecting(store, settings, exchange, served, Silent()) as collector:
        return dict(collector.metadata(settings.coins))


def normalise(plan: Plan) -> dict[str, int]:
    """Stage 2: payloads to core tables, in the stage. Returns partitions staged."""
    settings, store = _opened()
    with lock(settings.root):
        recover(store, keep=plan.run_id)
        sweep_temporary(store.root)
        _normalise(store, plan, Silent())
    return {"partitions": sum(1 for _ in Stage(store, plan.run_id).staged())}


def estimate(plan: Plan) -> dict[str, int]:
    """Stage 3: the map and what derives from it, in the stage. Returns partitions staged."""
    settings, store = _opened()
    with lock(settings.root):
        _reach(store, plan, "normalised")
        _estimate(store, plan, Silent())
    return {"partitions": sum(1 for _ in Stage(store, plan.run_id).staged())}


def check(plan: Plan) -> dict[str, Any]:
    """Stage 4: the one validation task. Returns how many checks ran, warnings, and what was quarantined."""
    settings, store = _opened()
    summary = _summary(settings, plan)
    with lock(settings.root):
        _reach(store, plan, "estimated")
        _check(store, plan, Silent(), summary)
    return {
        "checks": summary.checks,
        "warnings": summary.warnings,
        "quarantined": [list(q) for q in summary.quarantined],
    }


def publish(plan: Plan) -> dict[str, Any]:
    """Stage 5: what passed is published, all together. Returns how many partitions, and where the catalog is."""
    settings, store = _opened()
    summary = _summary(settings, plan)
    with lock(settings.root):
        _reach(store, plan, "checked")
        summary.quarantined = held_back(Stage(store, plan.run_id), plan)
        _publish(store, settings, plan, Silent(), summary)
        finish(store, summary, utc_now())
    return {"published": summary.published, "catalog": str(summary.catalog)}


def _opened() -> tuple[Settings, Store]:
    settings = load()
    return settings, open_store(settings.root, settings.source, create=True)


def _summary(settings: Settings, plan: Plan) -> RunSummary:
    return RunSummary(
        plan.first_hour, plan.last_hour, plan.coins, plan.exchanges, settings.source, settings.root / "catalog.duckdb"
    )


def _collecting(
    store: Store, settings: Settings, exchange: str, served: Served, progress: Progress
) -> AbstractContextManager[Collector]:
    return collecting(store, exchange, settings.source, served, settings.bar_minutes, progress)


def _collect_all(collectors: list[Collector], plan: Plan, summary: RunSummary) -> None:
    """All venues side by side: each has its own host, its own limits and its own files."""
    with ThreadPoolExecutor(len(collectors)) as pool:
        known = list(pool.map(lambda each: each.metadata(plan.coins), collectors))
        _refuse_unknown(collectors, plan)
        series = list(pool.map(lambda each: each.collect(plan), collectors))
    for each, metadata, answers in zip(collectors, known, series, strict=True):
        summary.fetched[each.exchange] = dict(Counter(summary.fetched.get(each.exchange, {})) + metadata + answers)


def _refuse_unknown(collectors: list[Collector], plan: Plan) -> None:
    """A coin that no venue lists is a slip of the pen. A venue that never answered may list anything."""
    listed = {c.exchange: {i.coin for i in c.contracts(("all",))} for c in collectors}
    if all(listed.values()) and plan.coins != ("all",):
        unknown = sorted(set(plan.coins) - set().union(*listed.values()))
        if unknown:
            venues = ", ".join(listed)
            raise UserError(
                f"{venues} list no USDT perpetual on {', '.join(unknown)}; LIQ_COINS=all takes all there are"
            )


def _reach(store: Store, plan: Plan, mark: str) -> None:
    """Brings the stage to where an earlier task had left it, if a run in between has dropped it."""
    stage = Stage(store, plan.run_id)
    if not stage.reached("normalised"):
        _normalise(store, plan, Silent())
    if mark != "normalised" and not stage.reached("estimated"):
        _estimate(store, plan, Silent())
    if mark == "checked" and not stage.reached("checked"):
        check_staged(stage, plan, Silent())


def _normalise(store: Store, plan: Plan, progress: Progress) -> None:
    stage = Stage(store, plan.run_id)
    stage.clear()
    reference_tables(stage.store, plan)
    normalise_days(stage.store, plan, progress, recorded_hours(store.root, plan.exchanges, plan.last_hour))
    stage.mark("normalised")


def _estimate(store: Store, plan: Plan, progress: Progress) -> None:
    stage = Stage(store, plan.run_id)
    names = coins(stage.store, plan)
    progress.stage("estimate", len(names))
    for name in estimate_coins(store.root, plan.run_id, names, plan.first_hour, plan.last_hour):
        make_sweeps(stage, name)
        progress.step(name)
    stage.mark("estimated")


def coins(store: Store, plan: Plan) -> list[str]:
    """The plan's coins, or with `all` every coin that has bars."""
    if plan.coins != ("all",):
        return list(plan.coins)
    return sorted({str(key["coin"]) for key in store.keys(table("price_bars"))})


def _check(store: Store, plan: Plan, progress: Progress, summary: RunSummary) -> None:
    stage = Stage(store, plan.run_id)
    results, held = check_staged(stage, plan, progress)
    summary.checks += len(results)
    summary.warnings += [r.reason for r in results if not r.passed and r.severity == "WARN"]
    summary.quarantined += held


def _publish(store: Store, settings: Settings, plan: Plan, progress: Progress, summary: RunSummary) -> None:
    stage = Stage(store, plan.run_id)
    progress.stage("publish", 1)
    _stage_watermark(stage, settings.source)
    summary.published += stage.publish()
    forget(store, plan.exchanges, plan.last_hour)
    prune(store)
    keys = [
        {"coin": c, "date": d} for c in coins(store, plan) for d in days(plan.first_hour.date(), plan.last_hour.date())
    ]
    asked = pl.col("hour_utc").is_between(plan.first_hour, plan.last_hour) & pl.col("exchange").is_in(plan.exchanges)
    summary.gaps = pl.concat([summary.gaps, store.read(GAPS, keys).filter(asked)])
    progress.step()


def _stage_watermark(stage: Stage, source: str) -> None:
    """The last hour of which any coin has books, staged or published."""
    books = table("position_books")
    newest = [
        max(stage.store.keys(books, coin=c), key=lambda k: str(k["date"])) for c in _coins_with(stage.store, books)
    ]
    hours_there = stage.store.read(books, newest, ["hour_utc"])["hour_utc"]
    if len(hours_there):
        stage.store.write(WATERMARK, watermark.build([{"hour_utc": hours_there.max(), "source": source}]), {})


def _coins_with(store: Store, contract: Table) -> list[str]:
    return sorted({str(key["coin"]) for key in store.keys(contract)})
