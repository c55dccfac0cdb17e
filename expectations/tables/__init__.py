"""Contracts of all tables: `expectations/tables/<table>.py` declares `TABLE`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from expectations.contract import LAYERS, Table


@cache
def load() -> dict[str, Table]:
    """Return every contract by table name, sorted by layer, then by name."""
    modules = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
    tables: list[Table] = [module.TABLE for module in modules]
    return {t.name: t for t in sorted(tables, key=lambda t: (LAYERS.index(t.layer), t.name))}


def table(name: str) -> Table:
    """Return the contract of `name`, with or without its layer. Raises KeyError, which lists the known tables."""
    bare = name.rsplit(".", 1)[-1]
    tables = load()
    if bare not in tables or name not in (bare, tables[bare].full_name):
        raise KeyError(f"unknown table {name!r}; there are: {', '.join(t.full_name for t in tables.values())}")
    return tables[bare]
