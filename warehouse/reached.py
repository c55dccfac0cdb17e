"""How far back OKX has open interest: asked when a backfill first needs it, and remembered in ops.reach."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta

import polars as pl

from expectations.tables import table
from transforms.exchanges import okx
from transforms.exchanges.reach import Findings, Found, Reach, in_doubt, reach
from transforms.tables import reach as reach_table
from warehouse.clock import from_ms, to_ms
from warehouse.collect import Collector, collecting
from warehouse.plan import Plan
from warehouse.progress import Silent
from warehouse.settings import Settings
from warehouse.sources import Served
from warehouse.store import Store, open_store

REACH = table("reach")
REMEMBERED = timedelta(days=30)
_ENDPOINT = "open_interest_reach"
_SERIES = "open_interest"


class UnansweredError(Exception):
    """The venue did not say."""


def sources(settings: Settings, plan: Plan, served: Served) -> list[Reach]:
    """Where what the plan's hours need will be asked for, and what cannot be had. A window in doubt is asked for."""
    known, first, last = findings(settings, plan, served), plan.first_hour, plan.last_hour
    return [each for exchange in plan.exchanges for each in reach(exchange, first, last, served.now, known)]


def findings(settings: Settings, plan: Plan, served: Served) -> Findings:
    """What is known of the windows that the plan depends on. What is not known, or is too old, is asked now.

    Raises UserError when there is something to remember and the warehouse cannot be used.
    """
    known = _remembered(Store(settings.root))
    if okx.EXCHANGE not in plan.exchanges:
        return known
    now = served.now
    doubted = in_doubt(okx.EXCHANGE, plan.first_hour, now)
    asked = [m for m in doubted if not _fresh(known.get((okx.EXCHANGE, m)), now)]
    if not asked:
        return known
    store = open_store(settings.root, settings.source, create=True)
    with collecting(store, okx.EXCHANGE, settings.source, served, settings.bar_minutes, Silent()) as collector:
        asked_for = _ask(collector, asked)
    found = {key: each for key, each in asked_for.items() if each is not None}
    _remember(store, found)
    return {**asked_for, **known, **found}


def _fresh(found: Found | None, now: datetime) -> bool:
    return found is not None and abs(now - found.asked) <= REMEMBERED


def _ask(collector: Collector, intervals: list[int]) -> dict[tuple[str, int], Found | None]:
    """By interval. Where one request goes unanswered nothing is known, and no more is asked."""
    now = collector.served.now
    found: dict[tuple[str, int], Found | None] = dict.fromkeys((okx.EXCHANGE, minutes) for minutes in intervals)
    with suppress(UnansweredError):
        for minutes in intervals:
            found[okx.EXCHANGE, minutes] = _oldest(collector, now, minutes)
    return found


def _oldest(collector: Collector, now: datetime, minutes: int) -> Found | None:
    """The oldest reading on the oldest page that has any: pages are empty from some one on."""
    pages = okx.open_interest_pages(to_ms(now), minutes)
    seen: dict[int, list[int]] = {}

    def empty(number: int) -> bool:
        fetched = collector.probe(pages[number], _ENDPOINT)
        if fetched.rows is None:
            raise UnansweredError
        seen[number] = [row["time_ms"] for row in fetched.rows[_SERIES]]
        return not seen[number]

    last = bisect_left(range(len(pages)), True, key=empty) - 1
    return Found(now, from_ms(min(seen[last]))) if last >= 0 else None


def _remembered(store: Store) -> dict[tuple[str, int], Found]:
    rows = store.read(REACH, [{}]).filter(pl.col("series") == _SERIES)
    columns = rows.select("exchange", "interval_minutes", "asked_at_utc", "oldest_utc")
    return {(exchange, minutes): Found(asked, oldest) for exchange, minutes, asked, oldest in columns.iter_rows()}


def _remember(store: Store, found: Mapping[tuple[str, int], Found]) -> None:
    new = [
        {
            "exchange": exchange,
            "series": _SERIES,
            "interval_minutes": minutes,
            "asked_at_utc": each.asked,
            "oldest_utc": each.oldest,
        }
        for (exchange, minutes), each in found.items()
    ]
    if new:
        store.write(REACH, reach_table.build([*store.read(REACH, [{}]).to_dicts(), *new]), {})
