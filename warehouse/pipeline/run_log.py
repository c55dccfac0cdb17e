"""What a run did: told to whoever started it, and kept in ops.runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from expectations.tables import table
from transforms.tables import runs
from transforms.tables.gaps import FAILED
from warehouse.clock import HOUR, days, utc_now
from warehouse.plan import Plan
from warehouse.settings import Settings
from warehouse.storage.store import Store

GAPS, RUNS, FETCHES = table("gaps"), table("runs"), table("fetches")


@dataclass
class RunSummary:
    """What a run did, for a person to read."""

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
    not_drawn: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, plan: Plan, settings: Settings) -> RunSummary:
        """Of a run that has done nothing yet."""
        catalog_file = settings.root / "catalog.duckdb"
        return cls(plan.first_hour, plan.last_hour, plan.coins, plan.exchanges, settings.source, catalog_file)

    @property
    def published(self) -> int:
        """The number of partitions that were published; `partitions` has it by table."""
        return self.partitions.total()

    @property
    def status(self) -> str:
        """published, partial (something was held back or an exchange failed), failed (all was), or nothing_new."""
        failures = self.gaps.filter((pl.col("state") == "missing") & pl.col("reason").str.contains(FAILED))
        if self.quarantined or len(failures):
            return "partial" if self.published else "failed"
        return "published" if self.published else "nothing_new"


def _fetched(store: Store, summary: RunSummary) -> int:
    """Requests that were answered for the hours of the run, by whichever run asked them."""
    span = days((summary.first_hour - HOUR).date(), summary.last_hour.date())
    asked = store.read(FETCHES, [{"exchange": e, "date": d} for d in span for e in summary.exchanges])
    overlaps = (pl.col("window_start_utc") < summary.last_hour) & (pl.col("window_end_utc") >= summary.first_hour)
    return len(asked.filter((pl.col("outcome") == "ok") & overlaps))


def log_run(store: Store, summary: RunSummary, started: datetime) -> None:
    """Adds the run, begun at `started` and over now, to ops.runs."""
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
