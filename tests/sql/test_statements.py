"""Every SQL file parses, so that a typing error is found before a command runs it."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from warehouse.catalog.statements import SQL

FILES = sorted(path.relative_to(SQL).as_posix() for path in SQL.rglob("*.sql"))


TEXTS = {"words": "'x'", "types": "x: x"}
"""SQL for the placeholders that are not names."""


def parse(sql: str) -> None:
    """Parse with SQL in each placeholder. Raises duckdb.ParserException."""
    assert duckdb.extract_statements(re.sub(r"\{\{(\w+)\}\}", lambda found: TEXTS.get(found[1], "x"), sql))


@pytest.mark.parametrize("name", FILES)
def test_it_parses(name: str) -> None:
    parse(Path(SQL / name).read_text())


def test_a_typing_error_is_found() -> None:
    with pytest.raises(duckdb.ParserException):
        parse("SELECT 1 FORM t WHERE {{x}}")
