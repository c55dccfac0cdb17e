"""Reader of the cases in tests/tables: `<table>/<case>/` holds inputs and expected outputs as JSON.

- `case.json`, optional: `description`; `parameters` of the build; `rows`: "all" (default) or "some", when `expect.json`
  lists only some of the output rows; `inputs_from`: `<table>/<case>`, source of inputs that this case has no file for.
- `inputs/<table>.json`: rows, or `{"every": {column: value}, "each": {column: [values]}, "rows": [...]}`: `every` sets
  shared values, `each` repeats a row for each value. Values of the row take precedence. `[]` is no rows.
- `expect.json`, of the same form: only the columns it lists are compared, floats to 1e-9 relative, to 1e-12 where zero
  is expected; or `expect_error.txt`: a part of the error's text.

Times are ISO and reach a build as naive UTC. A parameter that looks like a day, or like a time that ends in `Z`, is
converted; `{"request": {...}, "sent_ms": ..., "response": {...}}` is a request to an exchange and its response.
A body may be given as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from expectations.tables import load, table
from transforms.exchanges.protocol import Request, Response

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """A case folder: inputs as frames that conform to their contracts, and the expected result of the build."""

    table: str
    name: str
    inputs: dict[str, pl.DataFrame]
    parameters: dict[str, Any]
    expected: list[dict[str, Any]] | None
    error: str | None
    every_row: bool


def folders() -> list[Path]:
    """Return all case folders, by table and name."""
    return sorted(case for home in HERE.iterdir() if home.name in load() for case in home.iterdir() if case.is_dir())


def strays() -> list[str]:
    """Return folders that are not named after a table."""
    return [p.name for p in HERE.iterdir() if p.is_dir() and p.name not in load() and not p.name.startswith((".", "_"))]


def read(folder: Path) -> Case:
    """Return the case of a folder; a malformed file raises an error that names it."""
    about = _json(folder / "case.json") if (folder / "case.json").is_file() else {}
    expect, error = folder / "expect.json", folder / "expect_error.txt"
    if expect.is_file() == error.is_file():
        raise ValueError(f"{folder}: either expect.json or expect_error.txt")
    return Case(
        table=folder.parent.name,
        name=folder.name,
        inputs={name: _frame(name, _rows(f)) for name, f in sorted(_inputs(folder, about).items())},
        parameters={k: _parameter(v) for k, v in about.get("parameters", {}).items()},
        expected=[_typed(folder.parent.name, r) for r in _rows(expect)] if expect.is_file() else None,
        error=error.read_text().strip() if error.is_file() else None,
        every_row={"all": True, "some": False}[about.get("rows", "all")],
    )


def _inputs(folder: Path, about: dict[str, Any]) -> dict[str, Path]:
    """Return the file of each input table: from this case, else from `inputs_from`."""
    lent = _files(HERE / about["inputs_from"]) if "inputs_from" in about else {}
    if "inputs_from" in about and not lent:
        raise ValueError(f"{folder}: {about['inputs_from']} has no inputs")
    return lent | _files(folder)


def _files(folder: Path) -> dict[str, Path]:
    return {f.stem: f for f in (folder / "inputs").glob("*.json")}


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _rows(path: Path) -> list[dict[str, Any]]:
    content = _json(path)
    if isinstance(content, list):
        return content
    every, each = content.get("every", {}), content.get("each", {})
    return [every | one for row in content["rows"] for one in _repeated(row, each)]


def _repeated(row: dict[str, Any], each: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Yield the row once for each combination of values of the `each` columns that it does not set."""
    open_columns = [c for c in each if c not in row]
    for values in product(*(each[c] for c in open_columns)):
        yield row | dict(zip(open_columns, values, strict=True))


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
        return _moment(value)
    if dtype == pl.Date:
        return date.fromisoformat(value)
    if dtype == pl.Binary:
        return _body(value)
    return float(value) if dtype == pl.Float64 else value


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _body(value: Any) -> bytes:
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def _parameter(value: Any) -> Any:
    if isinstance(value, list):
        return [_parameter(v) for v in value]
    if isinstance(value, dict) and value.keys() == {"request", "sent_ms", "response"}:
        return _exchange(**value)
    if isinstance(value, dict):
        return {k: _parameter(v) for k, v in value.items()}
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d(T[\d:.]+Z)?", value):
        return _moment(value) if value.endswith("Z") else date.fromisoformat(value)
    return value


def _exchange(request: dict[str, Any], sent_ms: int, response: dict[str, Any]) -> tuple[Request, int, Response]:
    params = tuple((k, v) for k, v in request.get("params", {}).items())
    return (
        Request(**request | {"params": params}),
        sent_ms,
        Response(**response | {"body": _body(response["body"])}),
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        found = folders()
        metafunc.parametrize("case", [read(f) for f in found], ids=[f"{f.parent.name}-{f.name}" for f in found])


@pytest.fixture
def stray_folders() -> list[str]:
    return strays()
