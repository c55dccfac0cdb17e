"""The checks of `liq doctor`: settings, exchanges, warehouse, disk and Airflow, each with a remedy."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from dotenv import dotenv_values

from warehouse.clock import utc_now
from warehouse.errors import UserError
from warehouse.ingest.exchanges import serving
from warehouse.operations import health
from warehouse.operations.airflow_local import HOME
from warehouse.operations.health import Finding
from warehouse.settings import Settings, load

_SERVER_TIME = {"binance": "/fapi/v1/time", "bybit": "/v5/market/time", "okx": "/api/v5/public/time"}
_TIMEOUT_S = 5.0
_DISK_LOW_GB = 2


def examine(**overrides: Any) -> list[Finding]:
    """Return all findings; a check that cannot run is a finding too."""
    try:
        settings = load(**overrides)
    except UserError as error:
        return [Finding("settings", "wrong", str(error), "correct it in the environment or in .env")]
    now = settings.now or utc_now()
    return [
        *_settings(settings, overrides),
        *_exchanges(settings),
        *health.examine(settings, now),
        _disk(settings.root),
        _airflow(),
    ]


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


def _exchanges(settings: Settings) -> Iterator[Finding]:
    try:
        with serving(settings) as served, httpx.Client(timeout=_TIMEOUT_S) as client:
            for name in settings.exchanges:
                yield exchange(client, name, served.base_urls[name])
    except UserError as error:
        yield Finding("exchanges", "wrong", str(error))


def exchange(client: httpx.Client, name: str, base_url: str) -> Finding:
    """Request the exchange's server time, its cheapest endpoint."""
    subject = f"exchange {name}"
    began = time.monotonic()
    try:
        response = client.get(f"{base_url}{_SERVER_TIME[name]}")
    except httpx.HTTPError as error:
        remedy = f"check the network or LIQ_{name.upper()}_URL; runs continue without it and backfill its hours later"
        return Finding(subject, "wrong", f"{base_url} does not answer ({type(error).__name__})", remedy)
    taken = (time.monotonic() - began) * 1000
    if response.status_code in (403, 451):
        remedy = "the exchange blocks this country: run from elsewhere, or leave it out of LIQ_EXCHANGES"
        return Finding(subject, "wrong", f"{base_url} answers {response.status_code}: it refuses this location", remedy)
    if response.status_code in (418, 429):
        remedy = f"wait {response.headers.get('Retry-After', 'some')} seconds"
        return Finding(subject, "wrong", f"{base_url} answers {response.status_code}: too many requests", remedy)
    if not response.is_success or "json" not in response.headers.get("content-type", ""):
        return Finding(
            subject, "wrong", f"{base_url} answers {response.status_code}, not JSON", f"check LIQ_{name.upper()}_URL"
        )
    return Finding(subject, "ok", f"{base_url} answers in {taken:.0f} ms")


def _disk(root: Path) -> Finding:
    place = next(folder for folder in (root, *root.parents) if folder.exists())
    free_gb = shutil.disk_usage(place).free / 1e9
    used_gb = sum(file.stat().st_size for file in root.rglob("*.parquet")) / 1e9 if root.is_dir() else 0.0
    usage = f"{used_gb:.2f} GB used by tables, {free_gb:.0f} GB free"
    return (
        Finding("disk", "ok", usage)
        if free_gb > _DISK_LOW_GB
        else Finding("disk", "wrong", usage, "free disk space, or set LIQ_WAREHOUSE to another disk")
    )


def _airflow() -> Finding:
    homes = [path.parent for path in sorted(HOME.glob("*/airflow.db"))]
    if homes:
        return Finding("airflow", "ok", f"metadata in {', '.join(map(str, homes))}")
    return Finding(
        "airflow",
        "note",
        f"no metadata in {HOME} yet",
        "created by the first `make run` or `make up`; `liq run` does not need it",
    )
