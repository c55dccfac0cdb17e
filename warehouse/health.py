"""The state of a warehouse on disk: may it be written, how far does it reach, what is missing or held back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import polars as pl

from expectations.contract import Table
from warehouse.catalog import connect
from warehouse.clock import HOUR, floor_hour
from warehouse.cluster_history import HISTORY
from warehouse.derived import DERIVED, LEVELS
from warehouse.errors import UserError
from warehouse.read import query
from warehouse.settings import Settings
from warehouse.store import Store, open_store

State = Literal["ok", "note", "wrong"]
_GAPS = """
    SELECT exchange, series, state, count(DISTINCT (coin, hour_utc)) AS hours, last(reason ORDER BY hour_utc) AS reason
    FROM ops.gaps WHERE hour_utc > $since GROUP BY exchange, series, state ORDER BY exchange, series, state
"""
_MADE_OF_IT = (*DERIVED, HISTORY)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `remedy` is empty when nothing needs doing."""

    subject: str
    state: State
    finding: str
    remedy: str = ""


def examine(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Looks at the warehouse that `settings` name, at the market's `now`."""
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
    yield from _held_back(store.root)
    yield from _lacking(store)
    try:
        with connect(store.root) as catalog:
            yield from _hours(query(catalog, "SELECT hour_utc, source FROM ops.watermark"), settings, now)
            yield from _gaps(query(catalog, _GAPS, since=_last(catalog) - timedelta(days=1)))
    except UserError as error:
        yield Finding("catalog", "wrong", str(error), "liq run")


def _last(catalog: Any) -> datetime:
    newest = query(catalog, "SELECT max(hour_utc) AS last FROM ops.gaps")["last"].item()
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
    told = f"published up to {hour:%Y-%m-%d %H:%M} UTC ({source} data)"
    # A recording ends when it ends; its last hour is not late.
    if behind > 1 and source != "recorded":
        yield Finding(
            "hours", "wrong", f"{told}, {behind} hours behind", f"liq run --hours {min(behind, 720)}; hourly: make up"
        )
    else:
        yield Finding("hours", "ok", told)


def _gaps(gaps: pl.DataFrame) -> Iterator[Finding]:
    if gaps.is_empty():
        yield Finding("gaps", "ok", "none in the last day")
    for row in gaps.iter_rows(named=True):
        told = f"{row['hours']} coin-hours of {row['series']} {row['state']} in the last day: {row['reason']}"
        if row["state"] == "derived":
            yield Finding(f"gaps {row['exchange']}", "ok", told)
        else:
            remedy = "they are filled by the next run that the venue answers: liq run --hours 24"
            yield Finding(f"gaps {row['exchange']}", "note", told, remedy)


def _lacking(store: Store) -> Iterator[Finding]:
    """Days whose map has a file where a table that is made of the map has none."""
    made = {(t.name, *map(str, key.values())) for t in _MADE_OF_IT for key in store.keys(t)}
    for coin, keys in groupby(store.keys(LEVELS), key=lambda key: key["coin"]):
        days = [str(key["date"]) for key in keys]
        lacking = {(t.name, day) for t in _MADE_OF_IT for day in days if (t.name, coin, _part(t, day)) not in made}
        if not lacking:
            yield Finding(f"history {coin}", "ok", f"{len(days)} days, from {days[0]} to {days[-1]}")
            continue
        names, without = ({*of} for of in zip(*lacking, strict=True))
        until = f" --to {max(without)}T23:00Z" if max(without) < days[-1] else ""
        yield Finding(
            f"history {coin}",
            "note",
            f"{len(without)} of {len(days)} days lack {', '.join(sorted(names))}: older than those, or lost since",
            f"liq backfill --rebuild --from {min(without)}T00:00Z{until} --coins {coin}",
        )


def _part(contract: Table, day: str) -> str:
    return day if "date" in contract.partition else day[: len("2026-01")]


def _held_back(root: Path) -> Iterator[Finding]:
    reasons = sorted((root / "quarantine").rglob("reason.txt"))
    if not reasons:
        yield Finding("quarantine", "ok", "empty")
    for path in reasons:
        partition = path.parent.relative_to(root / "quarantine").as_posix()
        yield Finding(
            "quarantine",
            "wrong",
            f"{partition}: {path.read_text().strip()}",
            "mend the cause, then run its hours again",
        )
