"""A warehouse for imports, and files to import."""

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
    """A warehouse at `root`, used through the command line."""

    root: Path

    def liq(self, *arguments: object) -> Result:
        """Run `liq` and return its result."""
        return CliRunner().invoke(app, [str(each) for each in arguments], prog_name="liq")

    def takes(self, file: Path, *options: str) -> str:
        """Import a file, require success, and return the output."""
        done = self.liq("import", file, *options)
        assert done.exit_code == 0, done.output
        return done.stdout

    def refuses(self, file: Path, *options: str) -> str:
        """Import a file, require a refusal without changes, and return its error line."""
        before = self.files()
        done = self.liq("import", file, *options)
        assert done.exit_code == 2, done.output
        (line,) = (each for each in done.stderr.splitlines() if each.startswith("liq: "))
        assert self.files() == before
        return line

    def files(self) -> dict[str, bytes]:
        """Return the files by path, without locks and the catalog, which names its own path."""
        found = (p for p in self.root.rglob("*") if p.is_file() and p.suffix in (".parquet", ".txt", ".json"))
        return {p.relative_to(self.root).as_posix(): rows_of_file(p) for p in found if p.name != "warehouse.json"}

    def rows(self, name: str) -> pl.DataFrame:
        """Read a whole table."""
        contract, store = table(name), Store(self.root)
        return store.read(contract, store.keys(contract))

    def ask(self, sql: str) -> pl.DataFrame:
        """Run a query through the catalog."""
        with catalog.connect(self.root) as connection:
            return connection.sql(sql).pl()


def csv(path: Path, text: str) -> Path:
    """Write lines to a file, stripped of surrounding blanks, and return its path."""
    path.write_text("".join(f"{line.strip()}\n" for line in text.strip().splitlines()))
    return path


def ms(text: str) -> int:
    """Convert an ISO time to Unix ms."""
    return to_ms(datetime.fromisoformat(text))
