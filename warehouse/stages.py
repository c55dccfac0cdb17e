"""What a run is made of: each stage for the hours of a plan. The run and the DAG's tasks put them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from expectations.contract import Table
from expectations.tables import table
from transforms.tables import watermark
from warehouse import catalog, rebuild
from warehouse.check import check_staged, warnings_of
from warehouse.clock import days
from warehouse.collect import Collector, collecting
from warehouse.errors import UserError
from warehouse.estimate_processes import estimate_coins
from warehouse.lock import claimed
from warehouse.normalise import normalise_days, reference_tables
from warehouse.plan import Plan
from warehouse.progress import Progress
from warehouse.prune import prune
from warehouse.recordings import forget, recorded_hours
from warehouse.run_log import RunSummary, log_run
from warehouse.settings import Settings, load
from warehouse.sources import Served, serving
from warehouse.store import Stage, Store, open_store

CHUNK = timedelta(days=7)
"""Hours are checked and published this many at a time, so that memory stays flat however long the range."""

GAPS, WATERMARK = table("gaps"), table("watermark")


def collector(
    store: Store, settings: Settings, exchange: str, served: Served, progress: Progress
) -> AbstractContextManager[Collector]:
    """A venue's, for as long as the block lasts."""
    return collecting(store, exchange, settings.source, served, settings.bar_minutes, progress)


@contextmanager
def collectors(
    store: Store, settings: Settings, plan: Plan, served: Served | None, progress: Progress
) -> Iterator[list[Collector]]:
    """The plan's venues; those of the settings are served meanwhile where none are `served` already."""
    with ExitStack() as opened:
        venues = served or opened.enter_context(serving(settings))
        yield [opened.enter_context(collector(store, settings, each, venues, progress)) for each in plan.exchanges]


def opened() -> tuple[Settings, Store]:
    """What a task of a DAG works with: the settings of its environment, and their warehouse."""
    settings = load()
    return settings, open_store(settings.root, settings.source, create=True)


def collect_all(collectors: list[Collector], plan: Plan, summary: RunSummary) -> None:
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


def normalise(stage: Stage, plan: Plan, progress: Progress) -> None:
    """Payloads to core tables, into the stage, which begins anew."""
    stage.clear()
    reference_tables(stage.store, plan)
    recorded = recorded_hours(stage.published.root, plan.exchanges, plan.last_hour)
    normalise_days(stage.store, plan, progress, recorded)
    stage.mark("normalised")


def estimate(stage: Stage, plan: Plan, progress: Progress) -> None:
    """The map and what derives from it, into the stage; what a backfill is making again is left to it."""
    root, names = stage.published.root, coins(stage.store, plan)
    covered = {name: hour for name, hour in rebuild.pending(root).items() if not claimed(root, name)}
    stage_of = dict.fromkeys(names, stage.run_id)
    list(estimate_coins(root, stage_of, (plan.first_hour, plan.last_hour), again=covered, progress=progress))
    rebuild.remember(covered, stage.home)
    stage.mark("estimated")


def coins(store: Store, plan: Plan) -> list[str]:
    """The plan's coins, or with `all` every coin that has bars."""
    if plan.coins != ("all",):
        return list(plan.coins)
    return sorted({str(key["coin"]) for key in store.keys(table("price_bars"))})


def check(stage: Stage, plan: Plan, progress: Progress, summary: RunSummary) -> None:
    """The one gate: what fails is held back."""
    results, held = check_staged(stage, plan, progress)
    summary.checks += len(results)
    summary.warnings += warnings_of(results)
    summary.quarantined += held


def publish(stage: Stage, plan: Plan, progress: Progress, summary: RunSummary) -> None:
    """What passed becomes readable, all together."""
    store = stage.published
    progress.stage("publish", 1, "runs")
    _stage_watermark(stage, summary.source)
    covered = rebuild.pending(stage.home)
    summary.published += stage.publish()
    rebuild.done(store.root, {coin: hour for coin, hour in covered.items() if coin in coins(store, plan)})
    forget(store, plan.exchanges, plan.last_hour)
    prune(store)
    progress.step()


def finish(store: Store, plan: Plan, summary: RunSummary, started: datetime) -> None:
    """What is missing of the plan's hours, the log of the run, and the catalog."""
    span = list(days(plan.first_hour.date(), plan.last_hour.date()))
    gaps = store.read(GAPS, [{"coin": coin, "date": day} for coin in coins(store, plan) for day in span])
    asked = pl.col("hour_utc").is_between(plan.first_hour, plan.last_hour) & pl.col("exchange").is_in(plan.exchanges)
    summary.gaps = gaps.filter(asked)
    log_run(store, summary, started)
    catalog.build(store.root)


def report(settings: Settings, coins: Sequence[str], progress: Progress) -> tuple[list[Path], list[str]]:
    """A page of pictures a coin, as it is published now: where they are, and which could not be drawn, why.

    It reads beside whoever publishes: a page is of an hour, which stays as it is while later ones come.
    """
    from warehouse.report import write_all  # what draws takes a second to load

    try:
        return write_all(settings.root, coins, progress)
    except (UserError, OSError) as error:
        return [], [str(error)]


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
