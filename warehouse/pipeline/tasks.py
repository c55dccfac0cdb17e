"""What a task of a DAG calls: one call each, that any worker can make, and make again."""

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
    """Ask an exchange for the plan's hours. Returns the outcomes of its requests."""
    return _collected(exchange, lambda asking: asking.collect(plan, asking.metadata(plan.coins)))


def collect_metadata(exchange: str) -> dict[str, int]:
    """Ask an exchange, once a day, for its contracts and risk tiers. Returns the outcomes."""
    return _collected(exchange, lambda asking: asking.metadata(load().coins))


def _collected(exchange: str, ask: Callable[[Collector], Counter[str]]) -> dict[str, int]:
    settings = load()
    store = open_store(settings.root, settings.source, create=True)
    with serving(settings) as served, collector(store, settings, exchange, served, Silent()) as asking:
        outcomes = ask(asking)
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    if counts:
        _LOG.info("fetched from %s: %s; stored in %s", exchange, counts, store.root / "raw")
    else:
        _LOG.info("fetched from %s: nothing, all of it is in %s", exchange, store.root / "raw")
    return dict(outcomes)


def coins(plan: Plan) -> list[str]:
    """The plan's coins, or with `all` every coin that an exchange has answered about."""
    settings = load()
    names = graph.answered_for(open_store(settings.root, settings.source, create=True), plan)
    _LOG.info("%d coins: %s", len(names), ", ".join(names))
    return names


def publish(plan: Plan) -> dict[str, Any]:
    """Build what is stale of the plan's hours, check it and publish what passed.

    Run again, it does nothing: what is published already is not stale.
    """
    settings, started = load(), utc_now()
    store, summary = open_store(settings.root, settings.source, create=True), RunSummary.of(plan, settings)
    for part in (*plan.chunks(CHUNK), *graph.after(store, plan)):
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
    """Draw the pages. One that cannot be drawn is said, and costs nothing else."""
    written, failed = report(load(), plan.coins, Silent())
    _LOG.info("drew %d pages: %s", len(written), ", ".join(map(str, written)))
    for text in failed:
        _LOG.warning("not drawn: %s", text)
    return {"reports": [str(path) for path in written], "not_drawn": failed}
