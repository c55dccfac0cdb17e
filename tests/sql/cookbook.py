"""The simulated market of the macro and cookbook tests, and the cookbook's page of answers.

`python -m tests.sql.cookbook > sql/cookbook/README.md` regenerates the page.
"""

from __future__ import annotations

import tempfile
from datetime import datetime
from itertools import takewhile
from pathlib import Path

import duckdb
import polars as pl

from tests.warehouse.trial import Trial
from transforms.hourly.hours import HOUR
from warehouse.catalog import build as catalog
from warehouse.cli.output import cell
from warehouse.clock import to_ms
from warehouse.simulator import serve

FOLDER = Path(__file__).parents[2] / "sql" / "cookbook"
QUESTIONS = sorted(FOLDER.glob("*.sql"))
NOW = datetime(2026, 7, 25, 10, 5)
LAST = datetime(2026, 7, 25, 9)
FIRST = LAST - 25 * HOUR
_MOST = 12
_HEAD = f"""\
# Answers

The queries in this folder, answered for a simulated market: BTC, {FIRST:%Y-%m-%d %H:%M} to {LAST:%Y-%m-%d %H:%M} UTC.
Prices and positions are simulated, and the map is modelled from them. The tests repeat the queries and compare;
`.venv/bin/python -m tests.sql.cookbook > sql/cookbook/README.md` regenerates this page."""


def market(root: Path) -> Trial:
    """Run BTC over midnight, for more hours than a z-score needs; its mark is between 102,699 and 110,000."""
    with serve(seed=7, now_ms=to_ms(NOW)) as simulation:
        made = Trial(root, simulation.url, NOW)
        made.run(FIRST, LAST)
    return made


def question(file: Path) -> tuple[str, str]:
    """Return the question in the first line of a file, and the note in the comment below it."""
    head = takewhile(lambda line: line.startswith("--"), file.read_text().splitlines())
    asked, *note = (line.removeprefix("-- ") for line in head)
    return asked, " ".join(note)


def page(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the page of every question with its answer."""
    return "\n\n".join([_HEAD, *(_section(file, connection.sql(file.read_text()).pl()) for file in QUESTIONS)]) + "\n"


def _section(file: Path, answer: pl.DataFrame) -> str:
    asked, note = question(file)
    line = "|".join
    rows = [f"|{line(cell(value) for value in row)}|" for row in answer.head(_MOST).iter_rows()]
    more = [f"\n{answer.height - _MOST} more rows."] if answer.height > _MOST else []
    rule = line("---:" if dtype.is_numeric() else "---" for dtype in answer.dtypes)
    head = [f"## {asked}\n", f"[{file.name}]({file.name}). {note}\n", f"|{line(answer.columns)}|", f"|{rule}|"]
    return "\n".join([*head, *rows, *more])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, catalog.connect(market(Path(folder) / "warehouse").root) as opened:
        print(page(opened), end="")
