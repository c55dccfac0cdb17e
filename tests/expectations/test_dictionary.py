"""The data dictionary equals the contracts."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import polars as pl

from expectations.contract import Check, Column, Table
from expectations.dictionary import markdown
from expectations.tables import load

ROOT = Path(__file__).parents[2]


def test_page_equals_the_contracts() -> None:
    written = (ROOT / "warehouse" / "docs" / "tables.md").read_text()
    assert written == markdown(load().values()), "python -m expectations.dictionary > warehouse/docs/tables.md"


def test_module_prints_the_page() -> None:
    command = [sys.executable, "-m", "expectations.dictionary"]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert printed == markdown(load().values())


def test_page_lists_every_table_column_and_check() -> None:
    sections = re.split(r"^## ", markdown(load().values()), flags=re.MULTILINE)[1:]
    assert [s.splitlines()[0] for s in sections] == [t.full_name for t in load().values()]
    for section, table in zip(sections, load().values(), strict=True):
        rows = re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)
        assert rows[: len(table.columns)] == [c.name for c in table.columns]
        assert {c.name for c in table.checks} <= set(rows[len(table.columns) :])


def test_index_links_match_headings() -> None:
    page = markdown(load().values())
    headings = {h.lower().replace(".", "") for h in re.findall(r"^## (.+)$", page, flags=re.MULTILINE)}
    assert set(re.findall(r"\]\(#(\w+)\)", page)) == headings


def test_pipes_in_cells_are_escaped() -> None:
    column = Column("a", pl.Int64(), "left | right", "usd", minimum=0, maximum=2)
    check = Check("c", "this | that.", pl.col("a") > 0, severity="WARN")
    table = Table(
        "t", "ops", "log", "Doc.", ("a",), (column,), partition=(), checks=(check,), nullable=frozenset({"a"})
    )
    page = markdown([table])
    assert "| `a` | Int64 | usd | yes | left \\| right. Between 0 and 2 |" in page
    assert "| `c` | WARN | this \\| that. |" in page
