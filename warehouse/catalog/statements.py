"""The SQL of the warehouse: files in `sql/`, read and filled in one way.

`$name` in a file is a parameter of DuckDB; `{{name}}` is put in here: a name, a list of columns, a quoted text.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

SQL = Path(__file__).parents[2] / "sql"
_PLACE = re.compile(r"\{\{(\w+)\}\}")


@cache
def read(name: str) -> str:
    """Return a statement, by its path in `sql/` without `.sql`."""
    return (SQL / f"{name}.sql").read_text()


def fill(name: str, /, **values: object) -> str:
    """Return a statement of `sql/queries` with each `{{name}}` replaced. Raises KeyError for one without a value."""
    return _PLACE.sub(lambda found: str(values[found[1]]), read(f"queries/{name}"))


def text(value: object) -> str:
    """Quote a text for SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Quote the name of a column, a table or a schema for SQL."""
    return '"' + name.replace('"', '""') + '"'
