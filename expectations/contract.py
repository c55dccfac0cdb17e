"""The types that contracts are written in: a column once, a table once, a check with its reason."""

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
class Input:
    """A table that a build reads, and the window of it: its own day, and `days` or `hours` before that.

    `own_day` is False where the window ends before the day begins. `last_hour_only` keeps the rows of the newest hour
    in the window. `columns` narrows the read; empty means all. Where no `required` input has anything in its own day,
    there is nothing to build. Of a table of versions, a build gets those that are in force within the window.
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
        """How far the window reaches back before the day begins."""
        return timedelta(days=self.days, hours=self.hours)


@dataclass(frozen=True)
class Table:
    """All that must be true of one table.

    `columns` in file order; `nullable` names those that may be null. `partition` columns stand in the path, not in the
    file. `grain` is unique; rows are in its order, or in that of `file_order`, the same columns in another order.
    Frames are checked in the order of their files, one after another: a check that looks at the row before relies on
    the order of the grain, so a table with a `file_order` has no such check.
    `built_with` names the sibling whose build makes this table too: its inputs are the sibling's. `versions_of` names
    what a row with a `valid_from_utc` is a version of.
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
    time_column: str | None = None  # what `date`, freshness and the watermark are read from
    fresh_within_hours: float | None = None
    built_with: str | None = None
    file_order: tuple[str, ...] | None = None
    may_be_empty: bool = False  # a partition without rows says that nothing happened, not that something broke
    versions_of: tuple[str, ...] = ()
    on_demand: bool = False  # made for the days that somebody asks for: another day without it is not missing
    kept_days: int | None = None  # older partitions are deleted, but those of the first day of a month
    former_name: str | None = None  # layer and name until the last version, under which a view is kept for this one
    checks_look_back: bool = False  # its checks compare with the last hour of the day before

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

    @property
    def order(self) -> tuple[str, ...]:
        """The columns that rows are sorted by, in a file and in every frame that a build returns."""
        return self.file_order or self.grain

    @property
    def is_daily(self) -> bool:
        """Whether its rows are built a day at a time. Several days may share a file, of a month or of the table."""
        return "date" in self.schema or self.time_column == "valid_from_utc"

    @property
    def day(self) -> pl.Expr:
        """The day that a row is built with."""
        return pl.col("date") if "date" in self.schema else pl.col(self.time_column or "").dt.date()

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`frame` with exactly this table's columns, types and order of rows; an absent nullable column becomes null.

        Raises ValueError naming the columns that lack or do not belong, or that cannot be cast.
        """
        return self.shape(frame).sort(self.order, maintain_order=True)

    def shape(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`frame` with this table's columns and types, its rows as they come. Raises ValueError as `conform` does."""
        missing = [c.name for c in self.columns if c.name not in frame.columns and c.name not in self.nullable]
        foreign = [c for c in frame.columns if c not in self.schema]
        if missing or foreign:
            raise ValueError(f"{self.full_name}: missing columns {missing}, foreign columns {foreign}")
        absent = [pl.lit(None, dtype=c.dtype).alias(c.name) for c in self.columns if c.name not in frame.columns]
        try:
            return frame.with_columns(absent).select(pl.col(c.name).cast(c.dtype, strict=True) for c in self.columns)
        except pl.exceptions.PolarsError as error:
            raise ValueError(f"{self.full_name}: {error}") from error
