"""The run: collect missing data, build stale partitions, check them and publish the ones that pass.

An hour, a range, an import, a rebuild, a calibration, a score and a DAG task differ only in their plan.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from threading import Thread

import polars as pl

from expectations.tables import table
from transforms.hourly.hours import DAY, HOUR
from transforms.tables import watermark
from warehouse.catalog import build as catalog
from warehouse.clock import days, utc_now
from warehouse.errors import ChecksFailed, UserError
from warehouse.ingest.collector import Collector, collecting
from warehouse.ingest.exchanges import ExchangeEndpoints, serving
from warehouse.ingest.streams.recordings import delete_stored
from warehouse.pipeline import gate, graph
from warehouse.pipeline.run_log import RunSummary, log_run
from warehouse.pipeline.workers import compile_once, walk_all
from warehouse.plan import Plan
from warehouse.progress import Progress, Silent
from warehouse.settings import Settings
from warehouse.storage.locks import lock
from warehouse.storage.manifest import published_files, record_partitions
from warehouse.storage.prune import prune
from warehouse.storage.staging import Stage, recover, staging, sweep_temporary
from warehouse.storage.store import Store, open_store

CHUNK = timedelta(days=7)
"""The length of the parts that are built, checked and published one by one, so that memory stays flat."""

GAPS, WATERMARK, LEDGER = table("gaps"), table("watermark"), table("position_ledger")
_LOG = logging.getLogger("warehouse")
_LOG.addHandler(logging.NullHandler())  # otherwise Python prints warnings between the lines of the CLI's summary


def run(
    settings: Settings,
    first_hour: datetime,
    last_hour: datetime,
    *,
    progress: Progress | None = None,
    served: ExchangeEndpoints | None = None,
) -> RunSummary:
    """Run the hours from first to last (naive UTC, both included), and rebuild stale hours of the week before.

    served: the exchanges, if they are served already. Raises UserError for an unusable
    warehouse, Busy if another run holds it.
    """
    return fill(settings, Plan.of_range(first_hour, last_hour, settings), progress=progress, served=served)


def backfill(
    settings: Settings,
    first_hour: datetime,
    last_hour: datetime,
    *,
    again: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
    served: ExchangeEndpoints | None = None,
) -> RunSummary:
    """Load the hours from first to last and rebuild their dependents, a week at a time, oldest first.

    A killed backfill resumes when called again. Hourly runs can proceed meanwhile. again: build every partition of
    the range, stale or not. workers: the number of processes. Raises as `run` does.
    """
    plan = replace(Plan.of_range(first_hour, last_hour, settings), retry_failed=False, again=again)
    return fill(settings, plan, workers=workers, progress=progress, served=served)


def rebuild(settings: Settings, *, workers: int | None = None, progress: Progress | None = None) -> RunSummary:
    """Rebuild every partition from the stored payloads, without any request to an exchange.

    Parameters are fitted again for the days that have a fit. Raises UserError if there are no payloads.
    """
    progress, started = progress or Silent(), utc_now()
    store = open_store(settings.root, settings.source, create=True)
    plan = graph.payload_plan(store, settings)
    summary = RunSummary.of(plan, settings)
    for part in graph.rebuild_plans(store, plan, CHUNK):
        make(store, settings, part, progress, summary, workers)
    finish(store, settings, plan, summary, started, progress)
    return summary


def fill(
    settings: Settings,
    plan: Plan,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    served: ExchangeEndpoints | None = None,
) -> RunSummary:
    """Collect, build and publish the hours of `plan`, then the later hours that became stale."""
    progress, started = progress or Silent(), utc_now()
    store = open_store(settings.root, settings.source, create=True)
    summary = RunSummary.of(plan, settings)
    compile_once(progress)
    # Great Expectations takes seconds to import: do it while collecting waits for the exchanges
    Thread(target=import_module, args=("expectations.validation.gx",), daemon=True).start()
    with _collectors(store, settings, plan, served, progress) as collectors:
        for chunk in plan.chunks(CHUNK):
            _collect_all(collectors, chunk, summary)
            make(store, settings, chunk, progress, summary, workers)
    for later in graph.later_weeks(store, plan):
        make(store, settings, later, progress, summary, workers)
    finish(store, settings, plan, summary, started, progress)
    return summary


def make(
    store: Store,
    settings: Settings,
    plan: Plan,
    progress: Progress,
    summary: RunSummary,
    workers: int | None = None,
    *,
    fill_stage: Callable[[Stage], None] | None = None,
) -> None:
    """Build the stale partitions of a plan, check them, and publish the ones that pass, all at once.

    The build runs without the lock; units that another run makes stale meanwhile are rebuilt under the lock.
    fill_stage: writes further partitions to the stage before the build.
    """
    compile_once(progress)
    with ExitStack() as opened:
        with lock(settings.root, settings.wait_s, progress):
            commit(store)  # finish the publication of a killed run before reading its tables
            stage = opened.enter_context(staging(store, plan.run_id))
        if fill_stage is not None:
            fill_stage(stage)
        known = published_files(store)
        _build(stage, plan, progress, summary, workers)
        if next(stage.staged(), None) is not None:
            import_module("expectations.validation.gx")  # takes seconds: not while holding the lock
        with lock(settings.root, settings.wait_s, progress):
            commit(store)
            if published_files(store) != known:
                _drop_shared_files(stage)
                _build(stage, replace(plan, again=False), Silent(), summary, workers)
            if next(stage.staged(), None) is not None:
                _publish(stage, plan, progress, summary)
            else:
                _LOG.info("nothing is stale in %s to %s", plan.first_hour, plan.last_hour)
            last = plan.last_hour.date()
            # keep the state of the last two days: the hours after the plan's may be built next
            prune(store, spare=(last - DAY, last), own=stage)
            delete_stored(store, plan.exchanges, plan.last_hour)


def commit(store: Store) -> None:
    """Finish publications of killed runs from their journals and delete temporary files. The caller holds the lock."""
    recover(store)
    sweep_temporary(store.root)


def _drop_shared_files(stage: Stage) -> None:
    """Unstage files of several days: another run may have published other days of them since they were built."""
    for of, key in list(stage.staged()):
        if of.is_daily and "date" not in of.partition:
            stage.store.path(of, key).unlink()


def _build(stage: Stage, plan: Plan, progress: Progress, summary: RunSummary, workers: int | None) -> None:
    for name, lanes in graph.lanes(stage, plan):
        progress.stage(name, sum(len(lane.days) for lane in lanes), "days")
        for built in walk_all(stage, lanes, progress, workers):
            summary.built += 1
            _LOG.info("built %s: %d rows; %s", built.label, built.rows, built.reason)


def _publish(stage: Stage, plan: Plan, progress: Progress, summary: RunSummary) -> None:
    """Check the stage and publish the partitions that pass; all or nothing if `plan.whole`."""
    results = gate.check(stage, None if plan.whole else plan.last_hour, progress)
    failed = [r for r in results if not r.passed and r.severity == "FAIL"]
    if plan.whole and failed:
        raise ChecksFailed(f"{len(failed)} checks failed: {failed[0].reason}")
    before = [each for each in failed if _is_before(each.partition, plan)]
    if plan.retry_failed and before:
        # leave the week before unchanged: one bad day in it would otherwise quarantine every later hour
        quarantined = [each for each in gate.hold_back(stage, before) if _is_before(each[1], plan)]
        stage.empty()
        _build(stage, replace(plan, retry_failed=False), Silent(), summary, 1)
        results = gate.check(stage, plan.last_hour, progress)
        quarantined += gate.hold_back(stage, results)
        results += before
    else:
        quarantined = gate.hold_back(stage, results)
    warnings = gate.warnings_of(results)
    summary.checks += len(results)
    summary.warnings += warnings
    summary.quarantined += quarantined
    _LOG.info(
        "checked: %d checks, %d warnings, %d partitions quarantined", len(results), len(warnings), len(quarantined)
    )
    for text in warnings:
        _LOG.warning("%s", text)
    for name, partition, reason in quarantined:
        _LOG.error("quarantined %s %s in %s: %s", name, partition, stage.published.root / "quarantine", reason)
    gate.record(stage, plan.last_hour, results)
    _stage_watermark(stage, summary.source)
    record_partitions(stage, utc_now())
    progress.stage("publish", 1, "runs")
    published = stage.publish()
    summary.partitions += published
    progress.step()
    by_table = ", ".join(f"{count} of {name}" for name, count in sorted(published.items()))
    _LOG.info("published %d partitions in %s: %s", published.total(), stage.published.root, by_table or "none changed")


def _is_before(partition: str, plan: Plan) -> bool:
    """Return whether a partition is of a day before the plan's hours."""
    _, is_of_a_day, day = partition.partition("date=")
    return bool(is_of_a_day) and day < f"{plan.first_hour - HOUR:%Y-%m-%d}"


def finish(
    store: Store, settings: Settings, plan: Plan, summary: RunSummary, started: datetime, progress: Progress
) -> None:
    """Put the gaps of the plan's hours into the summary, log the run, and write the catalog."""
    names, span = graph.coins(store, plan), list(days(plan.first_hour.date(), plan.last_hour.date()))
    gaps = store.read(GAPS, [{"coin": coin, "date": day} for coin in names for day in span])
    in_plan = pl.col("hour_utc").is_between(plan.first_hour, plan.last_hour) & pl.col("exchange").is_in(plan.exchanges)
    summary.gaps = gaps.filter(in_plan)
    with lock(settings.root, settings.wait_s, progress):
        prune(store)
        log_run(store, summary, started)
        catalog.build(store.root)
    counts = (summary.built, summary.checks, len(summary.warnings), summary.published, len(summary.quarantined))
    _LOG.info(
        "%s, %s to %s: %d built, %d checks, %d warnings, %d partitions published, %d quarantined, %d gaps",
        summary.status, plan.first_hour, plan.last_hour, *counts, summary.gaps.height,
    )  # fmt: skip


def report(settings: Settings, coins: Sequence[str], progress: Progress) -> tuple[list[Path], list[str]]:
    """Write one report per coin from the published tables. Return their paths, and an error text per failure.

    It needs no lock: a report shows one hour, which does not change while later hours are published.
    """
    from warehouse.reports.report import write_all  # takes a second to import

    try:
        return write_all(settings.root, coins, progress)
    except (UserError, OSError) as error:
        return [], [str(error)]


def collector(
    store: Store, settings: Settings, exchange: str, served: ExchangeEndpoints, progress: Progress
) -> AbstractContextManager[Collector]:
    """Return a context manager that opens an exchange's collector."""
    return collecting(store, exchange, settings.source, served, settings.bar_minutes, progress)


@contextmanager
def _collectors(
    store: Store, settings: Settings, plan: Plan, served: ExchangeEndpoints | None, progress: Progress
) -> Iterator[list[Collector]]:
    """Open the collectors of the plan's exchanges, and serve the exchanges of the settings unless `served` is given."""
    with ExitStack() as opened:
        exchanges = served or opened.enter_context(serving(settings))
        yield [opened.enter_context(collector(store, settings, each, exchanges, progress)) for each in plan.exchanges]


def _collect_all(collectors: list[Collector], plan: Plan, summary: RunSummary) -> None:
    """Collect from all exchanges in parallel: each has its own host, rate limits and files."""
    with ThreadPoolExecutor(len(collectors)) as pool:
        known = list(pool.map(lambda each: each.metadata(plan.coins), collectors))
        _refuse_unknown(collectors, plan)
        outcomes = list(pool.map(lambda each, metadata: each.collect(plan, metadata), collectors, known))
    for each, answers in zip(collectors, outcomes, strict=True):
        summary.fetched[each.exchange] = dict(Counter(summary.fetched.get(each.exchange, {})) + answers)


def _refuse_unknown(collectors: list[Collector], plan: Plan) -> None:
    """Raise UserError for a coin that no exchange lists, which is likely a typo.

    If an exchange has never answered, nothing is raised: it may list the coin.
    """
    listed = {c.exchange: {i.coin for i in c.contracts(("all",))} for c in collectors}
    if all(listed.values()) and plan.coins != ("all",):
        unknown = sorted(set(plan.coins) - set().union(*listed.values()))
        if unknown:
            exchanges = ", ".join(listed)
            raise UserError(
                f"{exchanges} list no USDT perpetual on {', '.join(unknown)}; LIQ_COINS=all selects every listed coin"
            )


def _stage_watermark(stage: Stage, source: str) -> None:
    """Stage the watermark: the last hour of any coin's ledger, staged or published."""
    by_coin = {str(key["coin"]): key for key in stage.store.keys(LEDGER)}
    hours_published = stage.store.read(LEDGER, by_coin.values(), ["hour_utc"])["hour_utc"]
    if len(hours_published):
        stage.store.write(WATERMARK, watermark.build([{"hour_utc": hours_published.max(), "source": source}]), {})
