"""Reads the cases of tests/tables: `<table>/<case>/` holds what goes in and what must come out, as JSON.

- `case.json`, optional: `description`; `parameters` of the build; `rows`: "all" (default) or "some", when `expect.json`
  names only some of the rows that come out.
- `inputs/<table>.json`: rows, or `{"every": {column: value}, "rows": [...]}` where all rows share values.
- `expect.json`, of the same form: only the columns it lists are compared, floats to 1e-9 relative; or
  `expect_error.txt`: a part of the error's text.

Times are ISO; a parameter that ends in `Z` is one too. A payload's body may be written as the JSON that it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from expectations.tables import load, table

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """One folder: inputs as frames that conform to their contracts, and what is expected of the build."""

    table: str
    name: str
    inputs: dict[str, pl.DataFrame]
    parameters: dict[str, Any]
    expected: list[dict[str, Any]] | None
    error: str | None
    every_row: bool


def folders() -> list[Path]:
    """All case folders, by table and name."""
    return sorted(case for home in HERE.iterdir() if home.name in load() for case in home.iterdir() if case.is_dir())


def strays() -> list[str]:
    """Folders beside the cases that are named for no table."""
    return [p.name for p in HERE.iterdir() if p.is_dir() and p.name not in load() and not p.name.startswith((".", "_"))]


def read(folder: Path) -> Case:
    """The case of one folder. What is malformed raises and names the file."""
    about = _json(folder / "case.json") if (folder / "case.json").is_file() else {}
    expect, error = folder / "expect.json", folder / "expect_error.txt"
    if expect.is_file() == error.is_file():
        raise ValueError(f"{folder}: either expect.json or expect_error.txt")
    return Case(
        table=folder.parent.name,
        name=folder.name,
        inputs={f.stem: _frame(f.stem, _rows(f)) for f in sorted((folder / "inputs").glob("*.json"))},
        parameters={k: _parameter(v) for k, v in about.get("parameters", {}).items()},
        expected=[_typed(folder.parent.name, r) for r in _rows(expect)] if expect.is_file() else None,
        error=error.read_text().strip() if error.is_file() else None,
        every_row={"all": True, "some": False}[about.get("rows", "all")],
    )


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _rows(path: Path) -> list[dict[str, Any]]:
    content = _json(path)
    if isinstance(content, list):
        return content
    return [content["every"] | row for row in content["rows"]]


def _frame(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    contract = table(name)
    typed = [_typed(name, row) for row in rows]
    given = {c: contract.schema[c] for c in dict.fromkeys(k for row in typed for k in row)}
    return contract.conform(pl.DataFrame(typed, schema=given, orient="row") if typed else contract.empty())


def _typed(name: str, row: dict[str, Any]) -> dict[str, Any]:
    schema = table(name).schema
    unknown = [c for c in row if c not in schema]
    if unknown:
        raise ValueError(f"{name} has no column {', '.join(unknown)}")
    return {c: _value(schema[c], v) for c, v in row.items()}


def _value(dtype: pl.DataType, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(dtype, pl.Datetime):
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    if dtype == pl.Date:
        return date.fromisoformat(value)
    if dtype == pl.Binary:
        return (value if isinstance(value, str) else json.dumps(value)).encode()
    return float(value) if dtype == pl.Float64 else value


def _parameter(value: Any) -> Any:
    if isinstance(value, list):
        return [_parameter(v) for v in value]
    return datetime.fromisoformat(value) if isinstance(value, str) and value.endswith("Z") else value


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        found = folders()
        metafunc.parametrize("case", [read(f) for f in found], ids=[f"{f.parent.name}-{f.name}" for f in found])


@pytest.fixture
def stray_folders() -> list[str]:
    return strays()
