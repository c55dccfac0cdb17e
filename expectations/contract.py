"""The types of a data contract: columns, tables, their inputs and checks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Literal

import polars as pl

Layer = Literal["raw", "core", "model", "mart", "ops"]
Kind = Literal["reported", "modelled", "realised", "log"]
Severity = Literal["FAIL", "WARN"]

LAYERS: tuple[Layer, ...] = ("raw", "core", "model", "mart", "ops")
PERIODS = ("date", "month")
"""Partition columns that hold a period of time; the others hold a key."""


@dataclass(frozen=True)
class Column:
    """A column's declaration, shared by all tables: name, type, unit, meaning and bounds."""

    name: str
    dtype: pl.DataType
    doc: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] | None = None
    pattern: str | None = None  # a regular expression that the whole value matches


@dataclass(frozen=True)
class Check:
    """A check beyond types, grain and bounds.

    `holds` is a boolean expression, true on every row of valid data. `reason` states the rule, and often the likely
    cause of a failure; it is shown in messages and in the dictionary.
    """

    name: str
    reason: str
    holds: pl.Expr
    severity: Severity = "FAIL"


@dataclass(frozen=True)
class Input:
    """A table that a build reads, with its window: the built day, and `days` or `hours` before it.

    `own_day` is False if the window ends before the built day begins. `last_hour_only` keeps the rows of the newest
    hour in the window. `columns` limits the read; empty means all. If no `required` input has rows in the built day,
    nothing is built. From a table of versions, a build reads the versions valid within the window.
    """

    table: str
    days: int = 0
    hours: int = 0
    own_day: bool = True
    last_hour_only: bool = False
    required: bool = False
    columns: tuple[str, ...] = ()

    @property
    def before(self) -> timedelta:
        """The part of the window before the built day."""
        return timedelta(days=self.days, hours=self.hours)


@dataclass(frozen=True)
class Table:
    """The contract of one table.

    `columns` are in file order; `nullable` names the ones that may be null. `partition` columns are in the path, not in
    the file. `grain` is unique; rows are sorted by it, or by `file_order`, the same columns in another order.
    Frames are checked in the order of their files, one after another: a check that compares with the previous row
    relies on the order of the grain, so a table with a `file_order` has no such check.
    `built_with` names the table whose build also produces this one, from the same inputs. `versions_of` has the
    key columns of the entity that each row, valid from `valid_from_utc`, is a version of.
    """

    name: str
    layer: Layer
    kind: Kind
    doc: str
    grain: tuple[str, ...]
    columns: tuple[Column, ...]
    inputs: tuple[Input, ...] = ()
    nullable: frozenset[str] = frozenset()
    partition: tuple[str, ...] = ("coin", "date")
    checks: tuple[Check, ...] = ()
    time_column: str | None = None  # source of `date`, freshness and the watermark
    fresh_within_hours: float | None = None
    built_with: str | None = None
    file_order: tuple[str, ...] | None = None
    may_be_empty: bool = False  # a partition without rows means that nothing happened, not that something broke
    versions_of: tuple[str, ...] = ()
    on_demand: bool = False  # built only for requested days: other days are not missing
    kept_days: int | None = None  # older partitions are deleted, except for the first day of each month
    former_name: str | None = None  # layer and name in the previous version; a view keeps it for this version
    checks_look_back: bool = False  # its checks compare with the last hour of the previous day

    @property
    def full_name(self) -> str:
        """The layer and name, as in DuckDB: `mart.liquidation_levels`."""
        return f"{self.layer}.{self.name}"

    @cached_property
    def schema(self) -> pl.Schema:
        """The schema of every column, partition columns included."""
        return pl.Schema({c.name: c.dtype for c in self.columns})

    @cached_property
    def file_schema(self) -> pl.Schema:
        """The schema of the Parquet file, without partition columns."""
        return pl.Schema({c.name: c.dtype for c in self.columns if c.name not in self.partition})

    def column(self, name: str) -> Column:
        """Return the declaration of column `name`. Raises KeyError, which names the table."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.full_name} has no column {name!r}")

    def empty(self) -> pl.DataFrame:
        """Return a frame with every column and no rows."""
        return pl.DataFrame(schema=self.schema)

    @property
    def order(self) -> tuple[str, ...]:
        """The columns that rows are sorted by, in a file and in every frame that a build returns."""
        return self.file_order or self.grain

    @property
    def is_daily(self) -> bool:
        """True if rows are built a day at a time. Several days may share a file, of a month or of the table."""
        return "date" in self.schema or self.time_column == "valid_from_utc"

    @property
    def day(self) -> pl.Expr:
        """An expression for the day with which a row is built."""
        return pl.col("date") if "date" in self.schema else pl.col(self.time_column or "").dt.date()

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return `frame` with exactly this table's columns, types and sort order; absent nullable columns become null.

        Raises ValueError, which names the missing, foreign or uncastable columns.
        """
        return self.shape(frame).sort(self.order, maintain_order=True)

    def shape(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return `frame` with this table's columns and types, rows in their given order. Raises like `conform`."""
        missing = [c.name for c in self.columns if c.name not in frame.columns and c.name not in self.nullable]
        foreign = [c for c in frame.columns if c not in self.schema]
        if missing or foreign:
            raise ValueError(f"{self.full_name}: missing columns {missing}, foreign columns {foreign}")
        absent = [pl.lit(None, dtype=c.dtype).alias(c.name) for c in self.columns if c.name not in frame.columns]
        try:
            return frame.with_columns(absent).select(pl.col(c.name).cast(c.dtype, strict=True) for c in self.columns)
        except pl.exceptions.PolarsError as error:
            raise ValueError(f"{self.full_name}: {error}") from error
