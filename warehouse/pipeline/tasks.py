"""The functions behind the DAG tasks: one call per task, repeatable, on any worker."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

from warehouse.clock import utc_now
from warehouse.ingest.collector import Collector
from warehouse.ingest.exchanges import serving
from warehouse.pipeline import graph
from warehouse.pipeline.run import CHUNK, collector, finish, make, report
from warehouse.pipeline.run_log import RunSummary
from warehouse.plan import Plan
from warehouse.progress import Silent
from warehouse.settings import load
from warehouse.storage.store import open_store

_LOG = logging.getLogger("warehouse")


def collect(plan: Plan, exchange: str) -> dict[str, int]:
    """Request the plan's hours from an exchange. Return the outcomes of its requests."""
    return _run_collector(exchange, lambda each: each.collect(plan, each.metadata(plan.coins)))


def collect_metadata(exchange: str) -> dict[str, int]:
    """Request an exchange's contracts and risk tiers, at most once a day. Return the outcomes."""
    return _run_collector(exchange, lambda each: each.metadata(load().coins))


def _run_collector(exchange: str, work: Callable[[Collector], Counter[str]]) -> dict[str, int]:
    settings = load()
    store = open_store(settings.root, settings.source, create=True)
    with serving(settings) as served, collector(store, settings, exchange, served, Silent()) as opened:
        outcomes = work(opened)
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    if counts:
        _LOG.info("fetched from %s: %s; stored in %s", exchange, counts, store.root / "raw")
    else:
        _LOG.info("fetched from %s: nothing to request, all data are in %s", exchange, store.root / "raw")
    return dict(outcomes)


def coins(plan: Plan) -> list[str]:
    """Return the plan's coins, or with `all` every coin with a response from an exchange."""
    settings = load()
    names = graph.answered_coins(open_store(settings.root, settings.source, create=True), plan)
    _LOG.info("%d coins: %s", len(names), ", ".join(names))
    return names


def publish(plan: Plan) -> dict[str, Any]:
    """Build the stale partitions of the plan's hours, check them and publish the ones that pass.

    A repeated call does nothing: published partitions are not stale.
    """
    settings, started = load(), utc_now()
    store, summary = open_store(settings.root, settings.source, create=True), RunSummary.of(plan, settings)
    for part in (*plan.chunks(CHUNK), *graph.later_weeks(store, plan)):
        make(store, settings, part, Silent(), summary, None)
    finish(store, settings, plan, summary, started, Silent())
    return {
        "built": summary.built,
        "checks": summary.checks,
        "warnings": list(summary.warnings),
        "published": summary.published,
        "partitions": dict(summary.partitions),
        "coins": graph.coins(store, plan),
        "quarantined": [list(each) for each in summary.quarantined],
        "catalog": str(summary.catalog),
    }


def draw(plan: Plan) -> dict[str, Any]:
    """Write the reports. A report that fails is listed, and the others are still written."""
    written, failed = report(load(), plan.coins, Silent())
    _LOG.info("wrote %d reports: %s", len(written), ", ".join(map(str, written)))
    for text in failed:
        _LOG.warning("report failed: %s", text)
    return {"reports": [str(path) for path in written], "not_drawn": failed}
