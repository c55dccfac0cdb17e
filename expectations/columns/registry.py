"""The registry of columns: type, unit, meaning and bounds, declared once. Tables pick columns by name."""

from __future__ import annotations

from expectations.columns import clusters, evaluation, ingest, liquidation_map, market
from expectations.contract import Column

SUBJECTS = (ingest, market, liquidation_map, clusters, evaluation)
COLUMNS = {column.name: column for subject in SUBJECTS for column in subject.COLUMNS}
"""Column name -> its declaration."""


def pick(*names: str) -> tuple[Column, ...]:
    """Return the named columns, in order. Raises KeyError for a name that is not declared."""
    return tuple(COLUMNS[name] for name in names)
