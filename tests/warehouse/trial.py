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
"""The hour of the warehouse `one_hour`, long enough before `NOW` that no snapshot is taken."""
MADE = ("core", "mart", "ops/gaps", "ops/watermark")
"""What must be equal whoever ran it, whenever and however often; the rest tells of the run itself."""


@dataclass(frozen=True)
class Trial:
    """A warehouse at `root`, and where its exchanges are."""

    root: Path
    url: str
    now: datetime = NOW

    def settings(self, **changes: Any) -> settings.Settings:
        """BTC on every exchange; `changes` by name."""
        urls = {f"{host}_url": self.url for host in HOSTS}
        about = {"warehouse": self.root, "now": f"{self.now.isoformat()}Z", "coins": "BTC", "source": "simulated"}
        return settings.load(**{**about, **urls, **changes})

    def run(self, first: datetime, last: datetime | None = None, **changes: Any) -> RunSummary:
        """Runs the hours from `first` to `last`, or that one hour."""
        return run.run(self.settings(**changes), first, last or first)

    def backfill(self, first: datetime, last: datetime, **options: Any) -> RunSummary:
        """Fills the hours from `first` to `last`."""
        return run.backfill(self.settings(), first, last, **options)

    def run_singly(self, first: datetime, last: datetime) -> Trial:
        """Runs each hour from `first` to `last` in its turn."""
        for hour in hours(first, last):
            self.run(hour)
        return self

    def copied(self, root: Path) -> Trial:
        """The same warehouse in another place. The old catalog would speak of the old place, so it is made again."""
        shutil.copytree(self.root, root)
        catalog.build(root)
        return Trial(root, self.url, self.now)

    def files(self, *folders: str) -> dict[str, bytes]:
        """Every file under `folders`, by path; of a table the bytes of its rows, without the footer.

        What core tables were built from stands in the footer: answers to other questions give the same rows.
        """
        found = (p for folder in folders for p in (self.root / folder).rglob("*") if p.is_file())
        return {p.relative_to(self.root).as_posix(): rows_of_file(p) for p in found}

    def whole_files(self, *folders: str) -> dict[str, bytes]:
        """The same with their footers."""
        found = (p for folder in folders for p in (self.root / folder).rglob("*") if p.is_file())
        return {p.relative_to(self.root).as_posix(): p.read_bytes() for p in found}

    def leftovers(self) -> list[str]:
        """Files that no table, marker, lock or catalog accounts for."""
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
        """The whole table, from its files."""
        contract, store = table(name), Store(self.root)
        return store.read(contract, store.keys(contract))

    def rows_of(self, name: str, moment: datetime) -> pl.DataFrame:
        """The day of `moment` of a table."""
        contract, store = table(name), Store(self.root)
        return store.read(contract, store.keys(contract, date=moment.date()))

    def ask(self, sql: str) -> pl.DataFrame:
        """An analyst's question."""
        with catalog.connect(self.root) as connection:
            return connection.sql(sql).pl()


CORE = tuple(t.name for t in load().values() if t.inputs and t.layer == "core")
"""The tables of what exchanges report, versions of instruments and tiers among them."""


def build(stage: Stage, plan: Plan) -> list[Built]:
    """Builds into a stage what is stale of a plan, in this process; nothing is checked or published."""
    return [built for _, lanes in graph.lanes(stage, plan) for built in walk_all(stage, lanes, Silent(), workers=1)]


def rows_of_file(path: Path) -> bytes:
    """The bytes of a file, of a table those of its rows: what it was built from stands behind them."""
    body = path.read_bytes()
    if not body.endswith(b"PAR1") or len(body) < 12:
        return body
    return body[: -8 - int.from_bytes(body[-8:-4], "little")]


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Paths of files that are not equal byte for byte, or only in one."""
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


def python(code: str, *words: object, **options: Any) -> subprocess.Popen[str]:
    """Another interpreter at the root of the project, its output in pipes."""
    command = [sys.executable, "-c", code, *map(str, words)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, **{**pipes, **options})
