"""A build reads exactly the inputs that its contract declares.

A run reads and digests only the declared inputs. An undeclared input would not trigger a rebuild when it
changes; an unused input would trigger needless rebuilds.
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import duckdb
import pytest

from expectations.contract import Input, Table
from expectations.tables import load, table
from warehouse.catalog.statements import SQL
from warehouse.pipeline.build import implementation, statement
from warehouse.pipeline.unit import maker, products

PARAMETERS = {"coin", "day", "hours", "exchanges"}
"""Parameters that the engine can pass to a build besides its inputs."""

Build = str | Callable[..., Any]
TABLES = pytest.mark.parametrize("contract", load().values(), ids=lambda t: t.name)


def build_of(contract: Table) -> Build:
    """Return the SELECT or the function that builds a table."""
    made: Build = statement(contract) or implementation(contract).build
    return made


def misread(contract: Table, build: Build) -> Iterator[str]:
    """Yield differences between the tables that a build reads and the inputs of its contract."""
    declared = {each.table for each in contract.inputs}
    taken, used, parameters = _of_select(build) if isinstance(build, str) else _of_function(build)
    # a log is built from a run's entries, which are no table
    undeclared = taken - declared if contract.inputs else taken & load().keys()
    yield from (f"{contract.full_name}: {name} is read, but not declared" for name in sorted(undeclared))
    yield from (f"{contract.full_name}: {name} is declared, but not read" for name in sorted(declared - used))
    if contract.inputs:
        unknown = sorted(parameters - PARAMETERS)
        yield from (f"{contract.full_name}: no run knows the parameter {name}" for name in unknown)


def _of_select(script: str) -> tuple[set[str], set[str], set[str]]:
    """Return the relations of a parsed SELECT without its CTEs; DuckDB's `get_table_names` would bind columns."""
    with duckdb.connect() as connection:
        (text,) = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [script]).fetchone() or ("{}",)
    tree = json.loads(text)
    assert not tree["error"], text
    nodes = list(_nodes(tree))
    relations = {node["table_name"] for node in nodes if node.get("type") == "BASE_TABLE"}
    relations -= {cte["key"] for node in nodes if "cte_map" in node for cte in node["cte_map"]["map"]}
    return relations, relations, set()


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
    children = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for child in children:
        yield from _nodes(child)


def _of_function(build: Callable[..., Any]) -> tuple[set[str], set[str], set[str]]:
    """Return the tables among a function's parameters, the ones used in its body, and its other parameters."""
    known = inspect.signature(build).parameters.values()
    taken = {p.name for p in known if p.kind is not p.KEYWORD_ONLY}
    (function,) = ast.parse(textwrap.dedent(inspect.getsource(build))).body
    assert isinstance(function, ast.FunctionDef)
    named = {node.id for line in function.body for node in ast.walk(line) if isinstance(node, ast.Name)}
    return taken, taken & named, {p.name for p in known if p.kind is p.KEYWORD_ONLY}


def holds(complaints: Iterable[str]) -> None:
    listed = "\n".join(complaints)
    assert not listed, f"\n{listed}"


@TABLES
def test_build_reads_its_declared_inputs(contract: Table) -> None:
    holds(misread(maker(contract), build_of(maker(contract))))


@TABLES
def test_table_built_with_another_has_no_own_inputs_or_build(contract: Table) -> None:
    if contract.built_with:
        assert contract.inputs == ()
        assert statement(contract) is None
        assert implementation(contract) is implementation(maker(contract))
        assert maker(contract).built_with is None


def test_tables_are_built_by_select_or_function() -> None:
    built = [contract for contract in load().values() if contract.inputs]
    assert len(built) >= 15
    assert {isinstance(build_of(contract), str) for contract in built} == {True, False}
    assert {path.stem for path in SQL.glob("*.sql")} == {c.name for c in built if isinstance(build_of(c), str)}
    assert [t.name for t in products(table("liquidation_levels"))][-1] == "liquidation_levels"


def balance_of(liquidation_curve: Any, price_bars: Any, *, coin: str) -> Any:
    """Build with a parameter that market_balance does not declare."""
    return liquidation_curve, price_bars, coin


def idle(liquidation_curve: Any, *, now: str) -> Any:
    """Build with an unused input and an unknown parameter."""
    return now


def log(entries: Any, price_bars: Any) -> Any:
    return entries, price_bars


PLANTED: Mapping[str, tuple[str, Build, list[str]]] = {
    "undeclared parameter": (
        "market_balance", balance_of, ["mart.market_balance: price_bars is read, but not declared"],
    ),
    "unused and unknown parameters": (
        "market_balance",
        idle,
        [
            "mart.market_balance: liquidation_curve is declared, but not read",
            "mart.market_balance: no run knows the parameter now",
        ],
    ),
    "undeclared table in a SELECT": (
        "market_balance",
        "WITH both_sides AS (SELECT * FROM liquidation_curve) SELECT * FROM both_sides JOIN price_bars USING (coin)",
        ["mart.market_balance: price_bars is read, but not declared"],
    ),
    "undeclared table in a subquery": (
        "market_balance",
        "SELECT *, (SELECT max(close) FROM price_bars) AS highest FROM liquidation_curve",
        ["mart.market_balance: price_bars is read, but not declared"],
    ),
    "input hidden by a CTE of its name": (
        "market_balance",
        "WITH liquidation_curve AS (SELECT 1 AS one) SELECT * FROM liquidation_curve",
        ["mart.market_balance: liquidation_curve is declared, but not read"],
    ),
    "a log that reads a table": ("runs", log, ["ops.runs: price_bars is read, but not declared"]),
}  # fmt: skip


@pytest.mark.parametrize(("name", "build", "expected"), PLANTED.values(), ids=PLANTED)
def test_planted_breach_is_detected(name: str, build: Build, expected: list[str]) -> None:
    assert list(misread(table(name), build)) == expected


@pytest.mark.parametrize("name", ["market_balance", "cascade_risk"])
def test_planted_unused_input_is_detected(name: str) -> None:
    contract = table(name)
    wider = replace(contract, inputs=(*contract.inputs, Input("margin_tiers")))
    said = f"{contract.full_name}: margin_tiers is declared, but not read"
    assert list(misread(wider, build_of(contract))) == [said]
