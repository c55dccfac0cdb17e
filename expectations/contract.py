"""The types that contracts are written in: a column once, a table once, a check with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import polars as pl

Layer = Literal["raw", "core", "mart", "ops"]
Kind = Literal["reported", "modelled", "realised", "log"]
Severity = Literal["FAIL", "WARN"]

LAYERS: tuple[Layer, ...] = ("raw", "core", "mart", "ops")
PERIODS = ("date", "month")
"""Columns of a path that tell when; the others tell of what."""


@dataclass(frozen=True)
class Column:
    """A column's one declaration: what it is called everywhere, its type, unit, meaning and bounds."""

    name: str
    dtype: pl.DataType
    doc: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] | None = None
    pattern: str | None = None  # a regular expression that the whole word matches


@dataclass(frozen=True)
class Check:
    """What types, grain and bounds cannot say. `holds` is a boolean expression, true on every row of sound data."""

    name: str
    reason: str
    holds: pl.Expr
    severity: Severity = "FAIL"


@dataclass(frozen=True)
class Table:
    """All that must be true of one table.

    `columns` in file order; `nullable` names those that may be null. `partition` columns stand in the path, not in the
    file. `grain` is unique and is the sort order; `file_order`, of the same columns, is the file's where it differs.
    Frames are checked in the order of their files, one after another: a check that looks at the row before relies on
    the order of the grain, so a table with a `file_order` has no such check.
    `built_with` names the sibling whose build makes this table too.
    """

    name: str
    layer: Layer
    kind: Kind
    doc: str
    grain: tuple[str, ...]
    columns: tuple[Column, ...]
    inputs: tuple[str, ...] = ()
    nullable: frozenset[str] = frozenset()
    partition: tuple[str, ...] = ("coin", "date")
    checks: tuple[Check, ...] = ()
    time_column: str | None = None  # what `date`, freshness and the watermark are read from
    fresh_within_hours: float | None = None
    built_with: str | None = None
    file_order: tuple[str, ...] | None = None
    may_be_empty: bool = False  # a partition without rows says that nothing happened, not that something broke

    @property
    def full_name(self) -> str:
        """Layer and name, as in DuckDB: `mart.liquidation_levels`."""
        return f"{self.layer}.{self.name}"

    @cached_property
    def schema(self) -> pl.Schema:
        """Every column, those of the path included."""
        return pl.Schema({c.name: c.dtype for c in self.columns})

    @cached_property
    def file_schema(self) -> pl.Schema:
        """The columns that stand in the Parquet file."""
        return pl.Schema({c.name: c.dtype for c in self.columns if c.name not in self.partition})

    def column(self, name: str) -> Column:
        """The declaration of `name`; KeyError names the table."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.full_name} has no column {name!r}")

    def empty(self) -> pl.DataFrame:
        """No rows, every column."""
        return pl.DataFrame(schema=self.schema)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`frame` with exactly this table's columns, types and order of rows; an absent nullable column becomes null.

        Raises ValueError naming the columns that lack or do not belong, or that cannot be cast.
        """
        return self._shaped(frame).sort(self.grain, maintain_order=True)

    def filed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`frame` as its file has it: without the columns of the path, its rows in the order of the file.

        Raises ValueError as `conform` does.
        """
        return (
            self._shaped(frame).sort(self.file_order or self.grain, maintain_order=True).select(list(self.file_schema))
        )

    def _shaped(self, frame: pl.DataFrame) -> pl.DataFrame:
        missing = [c.name for c in self.columns if c.name not in frame.columns and c.name not in self.nullable]
        foreign = [c for c in frame.columns if c not in self.schema]
        if missing or foreign:
            raise ValueError(f"{self.full_name}: missing columns {missing}, foreign columns {foreign}")
        absent = [pl.lit(None, dtype=c.dtype).alias(c.name) for c in self.columns if c.name not in frame.columns]
        try:
            return frame.with_columns(absent).select(pl.col(c.name).cast(c.dtype, strict=True) for c in self.columns)
        except pl.exceptions.PolarsError as error:
            raise ValueError(f"{self.full_name}: {error}") from error
