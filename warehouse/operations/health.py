"""The health of a warehouse on disk: writable, up to date, complete, and free of quarantined partitions."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import polars as pl

from expectations.tables import table
from transforms.hourly.hours import DAY, HOUR
from warehouse.catalog.build import connect
from warehouse.catalog.snapshot_queries import ask
from warehouse.clock import floor_hour
from warehouse.errors import UserError
from warehouse.pipeline.graph import published_hours
from warehouse.pipeline.outdated import outdated
from warehouse.pipeline.unit import Unit
from warehouse.settings import Settings
from warehouse.storage import quarantine
from warehouse.storage.store import Store, open_store

State = Literal["ok", "note", "wrong"]
LEVELS, PARAMETERS, SCORES = map(table, ("liquidation_levels", "model_parameters", "map_scores"))


@dataclass(frozen=True)
class Finding:
    """The result of one check. `remedy` is empty if there is nothing to do."""

    subject: str
    state: State
    finding: str
    remedy: str = ""


def examine(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Yield the findings on the warehouse of `settings` at `now`, the market's clock."""
    try:
        store = open_store(settings.root, settings.source, create=False)
    except UserError as error:
        yield Finding(
            "warehouse", "wrong", str(error), "liq run" if not (settings.root / "warehouse.json").exists() else ""
        )
        return
    writable = os.access(settings.root, os.W_OK)
    yield Finding(
        "warehouse", "ok" if writable else "wrong", f"{store.root} is {'writable' if writable else 'read-only'}",
        "" if writable else "make it writable, or set LIQ_WAREHOUSE",
    )  # fmt: skip
    yield from _quarantined(store.root)
    try:
        yield from _stale(store, settings)
    except UserError as error:
        yield Finding("tables", "wrong", str(error))
    try:
        with connect(store.root) as catalog:
            yield from _hours(ask(catalog, "doctor/watermark"), settings, now)
            yield from _gaps(ask(catalog, "doctor/gaps", since=_last(catalog) - DAY))
    except UserError as error:
        yield Finding("catalog", "wrong", str(error), "liq run")


def _last(catalog: Any) -> datetime:
    newest = ask(catalog, "doctor/last_hour")["last"].item()
    return newest if isinstance(newest, datetime) else datetime(1970, 1, 1)


def _hours(watermark: pl.DataFrame, settings: Settings, now: datetime) -> Iterator[Finding]:
    if watermark.is_empty():
        yield Finding("hours", "wrong", "nothing is published yet", "liq run")
        return
    hour, source = watermark.row(0)
    if source != settings.source:
        remedy = f"set LIQ_SOURCE={source}, or LIQ_WAREHOUSE to another folder"
        yield Finding(
            "source", "wrong", f"the warehouse holds {source} data, the settings say {settings.source}", remedy
        )
    behind = int((floor_hour(now) - hour) / HOUR)
    published = f"published up to {hour:%Y-%m-%d %H:%M} UTC ({source} data)"
    # The last hour of a recording is never late.
    if behind > 1 and source != "recorded":
        yield Finding(
            "hours",
            "wrong",
            f"{published}, {behind} hours behind",
            f"liq run --hours {min(behind, 720)}; hourly: make up",
        )
    else:
        yield Finding("hours", "ok", published)


def _gaps(gaps: pl.DataFrame) -> Iterator[Finding]:
    if gaps.is_empty():
        yield Finding("gaps", "ok", "none in the last day")
    for row in gaps.iter_rows(named=True):
        gap = f"{row['hours']} coin-hours of {row['series']} {row['state']} in the last day: {row['reason']}"
        if row["state"] == "derived":
            yield Finding(f"gaps {row['exchange']}", "ok", gap)
        else:
            remedy = "filled by the next run in which the exchange answers: liq run --hours 24"
            yield Finding(f"gaps {row['exchange']}", "note", gap, remedy)


def _stale(store: Store, settings: Settings) -> Iterator[Finding]:
    """Yield the stale or missing days of each coin by table and reason, with the command that builds them."""
    for coin, found in outdated(store, settings):
        days_there = [str(key["date"]) for key in store.keys(LEVELS, coin=coin)] if coin else []
        if not found and days_there:
            yield Finding(f"history {coin}", "ok", f"{len(days_there)} days, from {days_there[0]} to {days_there[-1]}")
        by_reason: dict[tuple[str, str], list[date]] = {}
        for unit, reason in found:
            by_reason.setdefault((unit.table.full_name, reason), []).append(unit.day)
        for (name, reason), stale in by_reason.items():
            remedy = _remedy(name, coin, found, published_hours(store, coin))
            yield Finding(f"stale {coin}".rstrip(), "note", f"{name}: {reason}; {_spans(stale)}", remedy)


def _remedy(name: str, coin: str, found: list[tuple[Unit, str]], hours: Sequence[datetime]) -> str:
    """Return the command that rebuilds the stale units of a coin."""
    if name == PARAMETERS.full_name:
        own = [unit.day for unit, _ in found if unit.table is PARAMETERS]
        return f"liq calibrate --from {min(own)} --to {max(own)}"
    if name == SCORES.full_name:
        return f"liq score {coin} --day {next(unit.day for unit, _ in found if unit.table is SCORES)}"
    built = [unit for unit, _ in found if unit.table not in (PARAMETERS, SCORES)]
    begin, end = min(unit.begins for unit in built), max(unit.ends for unit in built) - HOUR
    first, last = max(begin, hours[0]), min(end, hours[-1])
    return f"liq backfill --from {min(first, last):%Y-%m-%dT%H:%MZ} --to {last:%Y-%m-%dT%H:%MZ} --coins {coin}"


def _spans(found: list[date]) -> str:
    """Format days as ranges: `2026-01-05 to 2026-01-07, 2026-01-09`."""
    spans: list[list[date]] = []
    for day in sorted(set(found)):
        if spans and day - spans[-1][-1] == DAY:
            spans[-1].append(day)
        else:
            spans.append([day])
    return ", ".join(f"{span[0]} to {span[-1]}" if len(span) > 1 else f"{span[0]}" for span in spans)


def _quarantined(root: Path) -> Iterator[Finding]:
    held = list(quarantine.reasons(root))
    if not held:
        yield Finding("quarantine", "ok", "empty")
    for partition, reason in held:
        yield Finding("quarantine", "wrong", f"{partition}: {reason}", "fix the cause, then build it again: liq run")
