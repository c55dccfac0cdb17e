"""Every case of every table, built the same way from SQL or polars."""

from __future__ import annotations

import math
import re
from typing import Any

import polars as pl
import pytest

from expectations.tables import table
from warehouse.pipeline.build import build
from warehouse.pipeline.unit import maker


def declared(case: Any) -> dict[str, pl.DataFrame]:
    """Return the case's inputs as a run reads them: every declared table, empty if missing, with declared columns only.

    An undeclared input is kept, so that the build refuses it.
    """
    inputs = maker(table(case.table)).inputs
    missing = {i.table: table(i.table).empty() for i in inputs if i.table not in case.inputs}
    narrowed = {i.table: i.columns for i in inputs if i.columns}
    every = case.inputs | missing
    return {name: rows.select(narrowed.get(name, rows.columns)) for name, rows in every.items()}


def test_build_matches_the_case(case: Any) -> None:
    if case.error is not None:
        with pytest.raises(Exception, match=re.escape(case.error)):
            build(case.table, declared(case), **case.parameters)
        return
    contract = table(case.table)
    rows = contract.conform(build(case.table, declared(case), **case.parameters)).to_dicts()
    if case.every_row:
        assert len(rows) == len(case.expected), f"{len(rows)} rows came out, {len(case.expected)} are expected: {rows}"
    for position, expected in enumerate(case.expected):
        row = _counterpart(rows, expected, (*contract.partition, *contract.grain), position)
        wrong = {c: (row[c], value) for c, value in expected.items() if not _equal(row[c], value)}
        assert not wrong, f"row {position} (came, expected): {wrong}"


def test_build_returns_file_order_and_every_column(case: Any) -> None:
    """A build returns rows in file order, so nothing sorts them again."""
    if case.error is None:
        contract = table(case.table)
        rows = build(case.table, declared(case), **case.parameters)
        assert rows.schema == contract.schema
        assert rows.equals(contract.conform(rows))


def test_repeated_build_is_identical(case: Any) -> None:
    if case.error is None:
        contract = table(case.table)
        builds = (contract.conform(build(case.table, declared(case), **case.parameters)) for _ in range(2))
        first, second = (b.sort((*contract.partition, *contract.grain)) for b in builds)
        assert first.equals(second)


def test_folders_are_named_after_tables(stray_folders: list[str]) -> None:
    assert stray_folders == []


def _counterpart(
    rows: list[dict[str, Any]], expected: dict[str, Any], keys: tuple[str, ...], position: int
) -> dict[str, Any]:
    """Return the row with the same grain; if the case lists part of the grain, it must identify one row."""
    listed = [k for k in dict.fromkeys(keys) if k in expected]
    if not listed:
        return rows[position]
    same = [r for r in rows if all(_equal(r[k], expected[k]) for k in listed)]
    assert len(same) == 1, f"{len(same)} rows have { ({k: expected[k] for k in listed}) }"
    return same[0]


def _equal(came: Any, expected: Any) -> bool:
    if isinstance(came, float) and isinstance(expected, float):
        return math.isclose(came, expected, rel_tol=1e-9, abs_tol=0.0 if expected else 1e-12)
    return bool(came == expected) and (came is None) == (expected is None)
