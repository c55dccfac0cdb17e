"""The SQL statements of the warehouse: files in `sql/`, with placeholders.

`$name` in a file is a DuckDB parameter; `{{name}}` is a placeholder filled here: an identifier, columns or a literal.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

SQL = Path(__file__).parents[2] / "sql"
_PLACE = re.compile(r"\{\{(\w+)\}\}")


@cache
def read(name: str) -> str:
    """Return a statement, given by its path in `sql/` without `.sql`."""
    return (SQL / f"{name}.sql").read_text()


def fill(name: str, /, **values: object) -> str:
    """Return a statement of `sql/queries` with each `{{name}}` replaced. Raises KeyError if a value is missing."""
    return _PLACE.sub(lambda found: str(values[found[1]]), read(f"queries/{name}"))


def text(value: object) -> str:
    """Quote a string for SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Quote the name of a column, a table or a schema for SQL."""
    return '"' + name.replace('"', '""') + '"'
