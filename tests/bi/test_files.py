"""polars and pandas on the Parquet folders: names and types of partitions, and partition pruning."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from tests.docs import program

LEVELS = "liquidation-data/mart/liquidation_levels"
DAY = date(2026, 1, 12)
OF_DAY = "SELECT * FROM mart.liquidation_levels WHERE coin = 'BTC' AND date = '2026-01-12'"
FOLDERS = ds.partitioning(pa.schema([("coin", pa.string()), ("date", pa.date32())]), flavor="hive")


@pytest.fixture(autouse=True)
def _at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)


@pytest.mark.parametrize("tool", ["pl.scan_parquet", "pd.read_parquet"])
def test_documented_program_runs(tool: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(program(tool), {})
    assert "BTC" in capsys.readouterr().out


@pytest.fixture
def scanned() -> pl.LazyFrame:
    schema = {"coin": pl.String, "date": pl.Date}
    return pl.scan_parquet(f"{LEVELS}/**/*.parquet", hive_partitioning=True, hive_schema=schema)


def test_polars_reads_the_rows_and_types_of_the_view(scanned: pl.LazyFrame, ask: duckdb.DuckDBPyConnection) -> None:
    shown = ask.sql(OF_DAY).pl()
    rows = scanned.filter(pl.col("coin") == "BTC", pl.col("date") == DAY).collect()
    assert (rows.schema["coin"], rows.schema["date"]) == (pl.String, pl.Date)
    assert rows.select(shown.columns).equals(shown.cast({"hour_utc": pl.Datetime("ms")}))


def test_polars_opens_one_file_per_coin_and_date(scanned: pl.LazyFrame) -> None:
    def opened(lazy: pl.LazyFrame) -> str:
        return lazy.explain().splitlines()[0]

    assert "3 other" in opened(scanned)
    one = opened(scanned.filter(pl.col("coin") == "BTC", pl.col("date") == DAY))
    assert re.fullmatch(rf"Parquet SCAN \[{LEVELS}/coin=BTC/date=2026-01-12/data.parquet\]", one)


def test_polars_filters_row_groups_by_hour(scanned: pl.LazyFrame) -> None:
    plan = scanned.filter(pl.col("hour_utc") == pl.datetime(2026, 1, 12)).select("price_bucket").explain()
    assert "SELECTION: " in plan
    assert re.search(r"PROJECT [12]/\d+ COLUMNS", plan)


def test_pandas_reads_the_rows_and_types_of_the_view(ask: duckdb.DuckDBPyConnection) -> None:
    wanted = [("coin", "==", "BTC"), ("date", "==", DAY)]
    rows = pd.read_parquet(LEVELS, partitioning=FOLDERS, filters=wanted)
    shown = ask.sql(OF_DAY).pl()
    assert pd.api.types.is_string_dtype(rows["coin"])
    assert set(rows["date"]) == {DAY}
    assert pd.api.types.is_datetime64_dtype(rows["hour_utc"])
    assert rows["notional_usd"].tolist() == shown["notional_usd"].to_list()


def test_pandas_opens_one_file_per_coin_and_date() -> None:
    dataset = ds.dataset(LEVELS, partitioning=FOLDERS)
    assert len(list(dataset.get_fragments())) == 4
    wanted = (ds.field("coin") == "BTC") & (ds.field("date") == DAY)
    (one,) = dataset.get_fragments(filter=wanted)
    assert one.path.endswith("coin=BTC/date=2026-01-12/data.parquet")


@pytest.mark.parametrize(
    ("condition", "files"),
    [
        ("coin = 'BTC' AND date = '2026-01-12'", 1),
        ("coin = 'BTC'", 2),
        ("date = '2026-01-12'", 2),
        ("date BETWEEN '2026-01-11' AND '2026-01-12'", 4),
    ],
)
@pytest.mark.parametrize(
    "levels", ["mart.liquidation_levels", f"read_parquet('{LEVELS}/*/*/*.parquet', hive_partitioning = true)"]
)
def test_duckdb_opens_only_matching_files(
    ask: duckdb.DuckDBPyConnection, levels: str, condition: str, files: int
) -> None:
    plan = ask.sql(f"EXPLAIN ANALYZE SELECT sum(notional_usd) FROM {levels} WHERE {condition}").fetchall()[0][1]
    assert max(map(int, re.findall(r"Total Files Read: (\d+)", plan))) == files
