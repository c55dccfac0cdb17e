"""What is configured, reachable, stale or missing, and what to do about it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import httpx
import polars as pl
from dotenv import dotenv_values

from warehouse.catalog import connect
from warehouse.cli_output import Format, emit
from warehouse.clock import HOUR, floor_hour, utc_now
from warehouse.errors import UserError
from warehouse.read import query
from warehouse.settings import Settings, load
from warehouse.scheduler import HOME
from warehouse.sources import serving
from warehouse.store import open_store

State = Literal["ok", "note", "wrong"]
_SERVER_TIME = {"binance": "/fapi/v1/time", "bybit": "/v5/market/time", "okx": "/api/v5/public/time"}
_PATIENCE_S = 5.0
_DISK_LOW_GB = 2
_GAPS = """
    SELECT exchange, series, state, count(DISTINCT (coin, hour_utc)) AS hours, last(reason ORDER BY hour_utc) AS reason
    FROM ops.gaps WHERE hour_utc > $since GROUP BY exchange, series, state ORDER BY exchange, series, state
"""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `remedy` is empty when nothing needs doing."""

    subject: str
    state: State
    finding: str
    remedy: str = ""


def examine(**overrides: Any) -> list[Finding]:
    """Looks at everything; what cannot be looked at is a finding too."""
    try:
        settings = load(**overrides)
    except UserError as error:
        return [Finding("settings", "wrong", str(error), "correct it in the environment or in .env")]
    now = settings.now or utc_now()
    found = [*_settings(settings, overrides), *_venues(settings), *_warehouse(settings, now), _disk(settings.root), _airflow()]
    return found


def report(findings: list[Finding], form: Format, out: Path | None) -> None:
    """Prints or writes them, and the verdict."""
    emit(pl.DataFrame([asdict(finding) for finding in findings]), form, out)
    if form is Format.TABLE and out is None:
        wrong = sum(finding.state == "wrong" for finding in findings)
        print(f"{wrong} to mend: see `remedy` above" if wrong else "all is well")


def _settings(settings: Settings, overrides: dict[str, Any]) -> Iterator[Finding]:
    from_file = {name.upper() for name in dotenv_values(".env")}
    for name in Settings.model_fields:
        variable = f"LIQ_{name.upper()}"
        origin = "default"
        if overrides.get(name) is not None:
            origin = "command line"
        elif variable in {key.upper() for key in os.environ}:
            origin = "environment"
        elif variable in from_file:
            origin = ".env"
        value = settings.root if name == "warehouse" else getattr(settings, name)
        shown = ",".join(value) if isinstance(value, tuple) else value
        yield Finding(variable, "ok", f"{'not set' if shown is None else shown} ({origin})")


def _venues(settings: Settings) -> Iterator[Finding]:
    try:
        with serving(settings) as served, httpx.Client(timeout=_PATIENCE_S) as client:
            for name in settings.exchanges:
                yield _venue(client, name, served.base_urls[name])
    except UserError as error:
        yield Finding("exchanges", "wrong", str(error))


def _venue(client: httpx.Client, name: str, base_url: str) -> Finding:
    subject = f"exchange {name}"
    began = time.monotonic()
    try:
        response = client.get(f"{base_url}{_SERVER_TIME[name]}")
    except httpx.HTTPError as error:
        remedy = f"check the network, or LIQ_{name.upper()}_URL; runs go on without it and fill its hours later"
        return Finding(subject, "wrong", f"{base_url} does not answer ({type(error).__name__})", remedy)
    taken = (time.monotonic() - began) * 1000
    if response.status_code in (403, 451):
        remedy = "it refuses this country: run from elsewhere, or leave it out with LIQ_EXCHANGES"
        return Finding(subject, "wrong", f"{base_url} answers {response.status_code}: blocked here", remedy)
    if response.status_code in (418, 429):
        remedy = f"wait {response.headers.get('Retry-After', 'some')} seconds"
        return Finding(subject, "wrong", f"{base_url} answers {response.status_code}: too many requests", remedy)
    if not response.is_success or "json" not in response.headers.get("content-type", ""):
        return Finding(subject, "wrong", f"{base_url} answers {response.status_code}, not JSON", f"check LIQ_{name.upper()}_URL")
    return Finding(subject, "ok", f"{base_url} answers in {taken:.0f} ms")


def _warehouse(settings: Settings, now: datetime) -> Iterator[Finding]:
    try:
        store = open_store(settings.root, settings.source, create=False)
    except UserError as error:
        yield Finding("warehouse", "wrong", str(error), "liq run" if not (settings.root / "warehouse.json").exists() else "")
        return
    writable = os.access(settings.root, os.W_OK)
    yield Finding(
        "warehouse", "ok" if writable else "wrong", f"{store.root} is {'writable' if writable else 'read-only'}",
        "" if writable else "make it writable, or set LIQ_WAREHOUSE",
    )  # fmt: skip
    yield from _held_back(store.root)
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
        yield Finding("source", "wrong", f"the warehouse holds {source} data, the settings say {settings.source}", remedy)
    behind = int((floor_hour(now) - hour) / HOUR)
    told = f"published up to {hour:%Y-%m-%d %H:%M} UTC ({source} data)"
    # A recording ends when it ends; its last hour is not late.
    if behind > 1 and source != "recorded":
        yield Finding("hours", "wrong", f"{told}, {behind} hours behind", f"liq run --hours {min(behind, 720)}; hourly: make up")
    else:
        yield Finding("hours", "ok", told)


def _gaps(gaps: pl.DataFrame) -> Iterator[Finding]:
    if gaps.is_empty():
        yield Finding("gaps", "ok", "none in the last day")
    for row in gaps.iter_rows(named=True):
        told = f"{row['hours']} coin-hours of {row['series']} {row['state']} in the last day: {row['reason']}"
        yield Finding(f"gaps {row['exchange']}", "note", told, "run those hours again when the venue answers")


def _held_back(root: Path) -> Iterator[Finding]:
    reasons = sorted((root / "quarantine").rglob("reason.txt"))
    if not reasons:
        yield Finding("quarantine", "ok", "empty")
    for path in reasons:
        partition = path.parent.relative_to(root / "quarantine").as_posix()
        yield Finding("quarantine", "wrong", f"{partition}: {path.read_text().strip()}", "mend the cause, then run its hours again")


def _disk(root: Path) -> Finding:
    place = next(folder for folder in (root, *root.parents) if folder.exists())
    free_gb = shutil.disk_usage(place).free / 1e9
    used_gb = sum(file.stat().st_size for file in root.rglob("*.parquet")) / 1e9 if root.is_dir() else 0.0
    told = f"{used_gb:.2f} GB used by tables, {free_gb:.0f} GB free"
    return Finding("disk", "ok", told) if free_gb > _DISK_LOW_GB else Finding("disk", "wrong", told, "make room, or set LIQ_WAREHOUSE")


def _airflow() -> Finding:
    homes = [path.parent for path in sorted(HOME.glob("*/airflow.db"))]
    if homes:
        return Finding("airflow", "ok", f"metadata in {', '.join(map(str, homes))}")
    return Finding("airflow", "note", f"no metadata in {HOME} yet", "made by the first `make run` or `make up`; `liq run` needs none")
