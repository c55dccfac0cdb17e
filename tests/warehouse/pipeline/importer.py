"""A warehouse that takes imports, and files to import."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
from typer.testing import CliRunner, Result

from expectations.tables import table
from tests.warehouse.trial import ROOT, rows_of_file
from warehouse.catalog import build as catalog
from warehouse.cli.main import app
from warehouse.clock import to_ms
from warehouse.storage.store import Store

RECORDED = ROOT.parent / "shared" / "recorded"
NOW = datetime(2026, 1, 30)


@dataclass(frozen=True)
class Importer:
    """A warehouse at `root`, reached by the command line."""

    root: Path

    def liq(self, *arguments: object) -> Result:
        """The command, with whatever it says."""
        return CliRunner().invoke(app, [str(each) for each in arguments], prog_name="liq")

    def takes(self, file: Path, *options: str) -> str:
        """What it says of a file that it takes."""
        done = self.liq("import", file, *options)
        assert done.exit_code == 0, done.output
        return done.stdout

    def refuses(self, file: Path, *options: str) -> str:
        """The one line with which it refuses a file; nothing is there that was not before."""
        before = self.files()
        done = self.liq("import", file, *options)
        assert done.exit_code == 2, done.output
        (line,) = (each for each in done.stderr.splitlines() if each.startswith("liq: "))
        assert self.files() == before
        return line

    def files(self) -> dict[str, bytes]:
        """Every file but locks and the catalog, which names its own path."""
        found = (p for p in self.root.rglob("*") if p.is_file() and p.suffix in (".parquet", ".txt", ".json"))
        return {p.relative_to(self.root).as_posix(): rows_of_file(p) for p in found if p.name != "warehouse.json"}

    def rows(self, name: str) -> pl.DataFrame:
        """A whole table."""
        contract, store = table(name), Store(self.root)
        return store.read(contract, store.keys(contract))

    def ask(self, sql: str) -> pl.DataFrame:
        """An analyst's question."""
        with catalog.connect(self.root) as connection:
            return connection.sql(sql).pl()


def csv(path: Path, text: str) -> Path:
    """A file of lines, blanks around them cut."""
    path.write_text("".join(f"{line.strip()}\n" for line in text.strip().splitlines()))
    return path


def ms(text: str) -> int:
    """ISO to unix ms."""
    return to_ms(datetime.fromisoformat(text))
