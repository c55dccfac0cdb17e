"""The rule of staleness: a unit is stale if its rows are missing, quarantined, or built from other inputs than now.

The footer of a file records the provenance of its rows: a digest of each input, of the contract and of the code,
and the parameters. It is the only record.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.util import find_spec
from typing import Any

from expectations.contract import Table
from expectations.tables import load
from warehouse.catalog.macros import scalar_statements
from warehouse.pipeline.build import implementation, statement
from warehouse.pipeline.inputs import Reader, digest
from warehouse.pipeline.unit import Unit, products
from warehouse.storage.parquet import BuiltFrom
from warehouse.storage.prune import is_kept

_OURS = ("transforms", "expectations")


@dataclass(frozen=True)
class Staleness:
    """The staleness of units.

    parameters: returns the parameters of a unit by name. newest: by coin, the last day of its map, for retention.
    """

    reader: Reader
    parameters: Callable[[Unit], Mapping[str, Any]]
    newest: Mapping[str, date]

    def built_from(self, unit: Unit) -> BuiltFrom:
        """Return the provenance that a build of the unit would record now."""
        return {
            "contract": contract_digest(unit.table),
            "code": code_digest(unit.table),
            **self.reader.digests(unit),
            **{name: as_text(value) for name, value in self.parameters(unit).items()},
        }

    def reasons(self, unit: Unit) -> Iterator[str]:
        """Yield the reasons to build the unit; none if it is up to date."""
        store = self.reader.store
        for each in products(unit.table):
            product = Unit(each, unit.day, unit.coin, unit.exchange)
            footer = store.footer(each, product.key)
            if footer is None and self._is_kept(product):
                yield f"{each.full_name} is missing"
            if store.quarantined(each, product.key) and not store.is_staged(each, product.key):
                yield f"{each.full_name} is quarantined"
        footer = store.footer(unit.table, unit.key)
        recorded = footer.units.get(unit.name) if footer else None
        if footer is not None and recorded is None:
            yield (f"{unit.table.full_name} is missing" if footer.units else "its file has no provenance")
        if recorded is not None:
            now = self.built_from(unit)
            changed = sorted(name for name in {*now, *recorded} if now.get(name) != recorded.get(name))
            if changed:
                yield f"{', '.join(changed)} changed"

    def _is_kept(self, unit: Unit) -> bool:
        """Return whether a partition should exist: some tables keep only recent days and the first of each month."""
        days = unit.table.kept_days
        return days is None or is_kept(unit.day, self.newest.get(unit.coin or "", unit.day), days)


def as_text(value: Any) -> str:
    """Return a parameter as it is recorded in a footer."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")
    return " ".join(map(as_text, value)) if isinstance(value, list | tuple) else str(value)


def contract_digest(table: Table) -> str:
    """Return a digest of the contracts of a build of `table`: columns, order, partitions and windows of inputs."""
    return digest(*(f"{t.full_name} {t.schema} {t.order} {t.partition} {t.inputs}" for t in products(table)))


def code_digest(table: Table) -> str:
    """Return a digest of the code that builds `table`.

    That is its SELECT and the macros that it calls, or its module and our modules that it imports.

    Comments, docstrings and formatting do not count.
    """
    return _code_digest(table.name)


@cache
def _code_digest(name: str) -> str:
    script = statement(load()[name])
    if script is not None:
        lines = (
            line.split("--")[0].strip() for each in (script, *scalar_statements(script)) for line in each.splitlines()
        )
        return digest(*(line for line in lines if line))
    return digest(*(_dump_code(each) for each in sorted(_imported(implementation(load()[name]).__name__))))


def _imported(module: str) -> set[str]:
    """Return a module and every module of ours that it imports, directly or indirectly."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imports(name)
    return found


@cache
def _imports(module: str) -> tuple[str, ...]:
    """Return the modules of ours that a module imports directly."""
    named: set[str] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return tuple(name for name in named if name.split(".")[0] in _OURS and _is_module(name))


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # its parent is a module, so this is a name defined in it
        return False


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(importlib.import_module(module)))


@cache
def _dump_code(module: str) -> str:
    """Return the syntax tree of a module without its docstrings, as text."""
    tree = _tree(module)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [each for each in body if not _is_text(each)]
    return f"{module} {ast.dump(tree)}"


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
