"""Statements of `sql/` are read and filled in one way; texts and names are quoted."""

from __future__ import annotations

import duckdb
import pytest

from warehouse.catalog.statements import fill, identifier, read, text

NAME = 'a"b'


def test_statement_is_read_by_its_path() -> None:
    assert read("queries/catalog/schema") == "CREATE SCHEMA {{layer}};\n"
    with pytest.raises(FileNotFoundError):
        read("queries/catalog/nowhere")


def test_every_placeholder_is_filled() -> None:
    assert fill("catalog/column_comment", table="t", column="c", words="'it'", more="left out") == (
        "COMMENT ON COLUMN t.c IS 'it';\n"
    )
    with pytest.raises(KeyError, match="words"):
        fill("catalog/column_comment", table="t", column="c")


def test_quotes_are_escaped() -> None:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW {identifier('v')} AS SELECT 1 AS {identifier(NAME)}")
        connection.execute(
            fill("catalog/column_comment", table="v", column=identifier(NAME), words=text("the bar's price"))
        )
        comments = connection.sql("SELECT comment FROM duckdb_columns() WHERE table_name = 'v'").fetchall()
    assert comments == [("the bar's price",)]
