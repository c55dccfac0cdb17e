"""A warehouse of one coin over simulated exchanges, for tests that run the pipeline for real."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from expectations.contract import LAYERS
from expectations.tables import load, table
from transforms.exchanges import ADAPTERS
from warehouse import settings
from warehouse.catalog import build as catalog
from warehouse.clock import hours
from warehouse.ingest.addresses import HOSTS
from warehouse.pipeline import graph, run
from warehouse.pipeline.engine import Built
from warehouse.pipeline.run_log import RunSummary
from warehouse.pipeline.workers import walk_all
from warehouse.plan import Plan
from warehouse.progress import Silent
from warehouse.storage.layout import FILE
from warehouse.storage.staging import Stage
from warehouse.storage.store import Store

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 20, 12, 5)
A = datetime(2026, 11, 20, 8)
"""The hour of the warehouse `one_hour`, long enough before `NOW` that a run takes no snapshot."""
MADE = ("core", "model", "mart", "ops/gaps", "ops/watermark")
"""Folders that must not depend on when, how often or by which process a run was made; others log the run."""


@dataclass(frozen=True)
class Trial:
    """A warehouse at `root`, and the URL of its simulated exchanges."""

    root: Path
    url: str
    now: datetime = NOW

    def settings(self, **changes: Any) -> settings.Settings:
        """Return settings of BTC on every exchange, with `changes` by name."""
        urls = {f"{host}_url": self.url for host in HOSTS}
        about = {"warehouse": self.root, "now": f"{self.now.isoformat()}Z", "coins": "BTC", "source": "simulated"}
        return settings.load(**{**about, **urls, **changes})

    def run(self, first: datetime, last: datetime | None = None, **changes: Any) -> RunSummary:
        """Run the hours from `first` to `last`, or only `first`."""
        return run.run(self.settings(**changes), first, last or first)

    def backfill(self, first: datetime, last: datetime, **options: Any) -> RunSummary:
        """Backfill the hours from `first` to `last`."""
        return run.backfill(self.settings(), first, last, **options)

    def run_singly(self, first: datetime, last: datetime) -> Trial:
        """Run the hours from `first` to `last` one at a time."""
        for hour in hours(first, last):
            self.run(hour)
        return self

    def copied(self, root: Path) -> Trial:
        """Copy the warehouse to `root` and rebuild the catalog, which names its own folder."""
        shutil.copytree(self.root, root)
        catalog.build(root)
        return Trial(root, self.url, self.now)

    def files(self, *folders: str) -> dict[str, bytes]:
        """Return the files under `folders` by path; of a table only the bytes of its rows, without the footer.

        The footer holds the inputs of core tables, and different requests can give the same rows.
        """
        found = (p for folder in folders for p in (self.root / folder).rglob("*") if p.is_file())
        return {p.relative_to(self.root).as_posix(): rows_of_file(p) for p in found}

    def whole_files(self, *folders: str) -> dict[str, bytes]:
        """Return the files under `folders` by path, with their footers."""
        found = (p for folder in folders for p in (self.root / folder).rglob("*") if p.is_file())
        return {p.relative_to(self.root).as_posix(): p.read_bytes() for p in found}

    def leftovers(self) -> list[str]:
        """Return files that belong to no table, marker, lock or catalog."""
        known = {
            "catalog.duckdb",
            "warehouse.json",
            ".lock",
            *(f".lock.{e}" for e in ADAPTERS),
        }
        layers = LAYERS
        named = {p.relative_to(self.root).as_posix() for p in self.root.rglob("*") if p.is_file()} - known
        return sorted(n for n in named if n.split("/")[0] not in layers or not n.endswith(f"/{FILE}"))

    def rows(self, name: str) -> pl.DataFrame:
        """Read the whole table from its files."""
        contract, store = table(name), Store(self.root)
        return store.read(contract, store.keys(contract))

    def rows_of(self, name: str, moment: datetime) -> pl.DataFrame:
        """Read the day of `moment` of a table."""
        contract, store = table(name), Store(self.root)
        return store.read(contract, store.keys(contract, date=moment.date()))

    def ask(self, sql: str) -> pl.DataFrame:
        """Run a query through the catalog, as an analyst does."""
        with catalog.connect(self.root) as connection:
            return connection.sql(sql).pl()


CORE = tuple(t.name for t in load().values() if t.inputs and t.layer == "core")
"""Core tables, including the versions of instruments and tiers."""


def build(stage: Stage, plan: Plan) -> list[Built]:
    """Build a plan's stale partitions into a stage, in this process, without checks or publication."""
    return [built for _, lanes in graph.lanes(stage, plan) for built in walk_all(stage, lanes, Silent(), workers=1)]


def rows_of_file(path: Path) -> bytes:
    """Return the bytes of a file, without the footer of a table, which records its inputs."""
    body = path.read_bytes()
    if not body.endswith(b"PAR1") or len(body) < 12:
        return body
    return body[: -8 - int.from_bytes(body[-8:-4], "little")]


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Return the paths of files that differ or exist on one side only."""
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


def python(code: str, *words: object, **options: Any) -> subprocess.Popen[str]:
    """Start another interpreter at the root of the project, with piped output."""
    command = [sys.executable, "-c", code, *map(str, words)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, **{**pipes, **options})
