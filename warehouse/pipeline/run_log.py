"""The record of a run: returned to its caller and stored in ops.runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from expectations.tables import table
from transforms.hourly.hours import HOUR
from transforms.tables import runs
from transforms.tables.gaps import FAILED
from warehouse.clock import days, utc_now
from warehouse.plan import Plan
from warehouse.settings import Settings
from warehouse.storage.store import Store

GAPS, RUNS, FETCHES = table("gaps"), table("runs"), table("fetches")


@dataclass
class RunSummary:
    """The summary of a run for display."""

    first_hour: datetime
    last_hour: datetime
    coins: tuple[str, ...]
    exchanges: tuple[str, ...]
    source: str
    catalog: Path
    fetched: dict[str, dict[str, int]] = field(default_factory=dict)
    built: int = 0
    checks: int = 0
    warnings: list[str] = field(default_factory=list)
    partitions: Counter[str] = field(default_factory=Counter)
    quarantined: list[tuple[str, str, str]] = field(default_factory=list)
    gaps: pl.DataFrame = field(default_factory=GAPS.empty)
    reports: list[Path] = field(default_factory=list)
    failed_reports: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, plan: Plan, settings: Settings) -> RunSummary:
        """Return the summary of a run that has just started."""
        catalog_file = settings.root / "catalog.duckdb"
        return cls(plan.first_hour, plan.last_hour, plan.coins, plan.exchanges, settings.source, catalog_file)

    @property
    def published(self) -> int:
        """The number of partitions that were published; `partitions` has it by table."""
        return self.partitions.total()

    @property
    def status(self) -> str:
        """One of published, nothing_new, partial (quarantined or missing data) and failed (nothing published)."""
        failures = self.gaps.filter((pl.col("state") == "missing") & pl.col("reason").str.contains(FAILED))
        if self.quarantined or len(failures):
            return "partial" if self.published else "failed"
        return "published" if self.published else "nothing_new"


def _fetched(store: Store, summary: RunSummary) -> int:
    """Count the answered requests for the hours of the run, including requests of earlier runs."""
    span = days((summary.first_hour - HOUR).date(), summary.last_hour.date())
    requests = store.read(FETCHES, [{"exchange": e, "date": d} for d in span for e in summary.exchanges])
    overlaps = (pl.col("window_start_utc") < summary.last_hour) & (pl.col("window_end_utc") >= summary.first_hour)
    return len(requests.filter((pl.col("outcome") == "ok") & overlaps))


def log_run(store: Store, summary: RunSummary, started: datetime) -> None:
    """Add the run, which began at `started` and ends now, to ops.runs."""
    finished = utc_now()
    entry = {
        "date": started.date(),
        "run_id": f"{started:%Y%m%dT%H%M%S.%f}"[:-3],
        "started_at_utc": started,
        "finished_at_utc": max(finished, started),
        "first_hour_utc": summary.first_hour,
        "last_hour_utc": summary.last_hour,
        "coins": ",".join(summary.coins),
        "exchanges": ",".join(summary.exchanges),
        "source": summary.source,
        "run_status": summary.status,
        "fetched": _fetched(store, summary),
        "published": summary.published,
        "quarantined": len(summary.quarantined),
        "reason": "; ".join(f"{t} {p}: {why}" for t, p, why in summary.quarantined),
    }
    key = {"date": started.date()}
    store.write(RUNS, pl.concat([store.read(RUNS, [key]), runs.build([entry])]), key)
