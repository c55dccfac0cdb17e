"""Query commands on a hand-made warehouse: valid and invalid input."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from expectations.tables import load
from warehouse.catalog import macros
from warehouse.cli.main import app
from warehouse.storage.store import SCHEMA_VERSION


def liq(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), prog_name="liq")


def refused(result: Result, *words: str, code: int = 2) -> None:
    """Require one error line with these words and no traceback."""
    assert result.exit_code == code, result.output
    line = result.stderr.strip()
    assert line.startswith("liq: ")
    assert "\n" not in line
    assert "Traceback" not in result.output
    for word in words:
        assert word in line


@pytest.mark.usefixtures("small_warehouse")
class TestAnswers:
    def test_headline_prints_sentences(self) -> None:
        result = liq("headline", "btc", "--price", "102699")
        assert result.exit_code == 0, result.output
        first, level, *_, last = result.stdout.splitlines()
        assert first == "BTC stands at 103,753 (mark, binance; simulated data), hour 2026-01-12 00:00 UTC."
        assert level.startswith("A fall to 102,699 (-1.0 %) would liquidate ")
        assert "okx carried since 01-11 23:00 UTC" in last
        assert "an estimate, not a record" in last

    def test_headline_of_a_past_hour(self) -> None:
        result = liq("headline", "BTC", "--as-of", "2026-01-12T00:30+01:00")
        assert "hour 2026-01-11 23:00 UTC" in result.stdout
        assert "carried" not in result.stdout

    @pytest.mark.parametrize(("ending", "head"), [("png", b"\x89PNG"), ("html", b"<!DOCTYPE html>"), ("csv", b"coin,")])
    def test_map_writes_each_format(self, tmp_path: Path, ending: str, head: bytes) -> None:
        out = tmp_path / "new" / f"btc.{ending}"
        result = liq("map", "BTC", "--out", str(out), "--window", "7d", "--exchange", "bybit")
        assert result.exit_code == 0, result.output
        assert out.read_bytes().lstrip().startswith(head)
        assert "modelled; simulated data; 2026-01-12 00:00 UTC" in result.stdout
        assert [path.name for path in out.parent.iterdir()] == [out.name]

    def test_map_page_is_self_contained_and_titled(self, tmp_path: Path) -> None:
        out = tmp_path / "btc.html"
        liq("map", "BTC", "--out", str(out))
        page = out.read_text()
        assert "<title>BTC liquidation map by exchange, modelled, 2026-01-12 00:00 UTC</title>" in page
        assert "<script src=" not in page
        assert 'href="http' not in page

    def test_sql_writes_each_format(self, tmp_path: Path) -> None:
        ask = "SELECT side, count(*) AS n FROM mart.liquidation_levels GROUP BY side ORDER BY side"
        counted = json.loads(liq("sql", ask, "--format", "json").stdout)
        assert [row["side"] for row in counted] == ["long", "short"]
        rows = list(csv.DictReader(liq("sql", ask, "--format", "csv").stdout.splitlines()))
        assert [int(row["n"]) for row in rows] == [row["n"] for row in counted]
        out = tmp_path / "n.parquet"
        assert liq("sql", ask, "--format", "parquet", "--out", str(out)).exit_code == 0
        assert pl.read_parquet(out)["n"].to_list() == [row["n"] for row in counted]
        assert "side" in liq("sql", ask).stdout

    def test_sql_reads_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "hours.sql").write_text("-- Which hour is the last?\nFROM map_hour('BTC');\n")
        assert "2026-01-12" in liq("sql", "hours.sql", "--format", "csv").stdout
        refused(liq("sql", "none.sql"), "none.sql", "No such file", code=1)

    def test_truncated_table_is_reported(self) -> None:
        result = liq("sql", "SELECT * FROM range(500) AS t(n)", "--rows", "3")
        assert "3 of 500 rows shown" in result.stderr

    def test_empty_result_succeeds(self) -> None:
        result = liq("sql", "SELECT * FROM mart.market_balance WHERE false", "--format", "json")
        assert (result.exit_code, json.loads(result.stdout)) == (0, [])

    def test_tables_lists_rows_and_last_hour(self) -> None:
        rows = {row["table"]: row for row in json.loads(liq("tables", "--format", "json").stdout)}
        assert rows["mart.market_balance"]["rows"] == 8
        assert rows["mart.market_balance"]["last_utc"].startswith("2026-01-12")
        assert rows["raw.payloads"]["rows"] == 0


def test_describe_needs_no_warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = liq("describe", "mart.liquidation_clusters")
    assert result.exit_code == 0, result.output
    for word in ("modelled", "intensity", "hour_utc, side, rank", "ranked_by_notional"):
        assert word in result.stdout


def test_describe_shows_a_macro() -> None:
    result = liq("describe", "at_risk")
    assert result.exit_code == 0, result.output
    for word in ("at_risk(coin, price, as_of := NULL", "Modelled", "cumulative_usd", "Example: FROM at_risk("):
        assert word in result.stdout
    refused(liq("describe", "at_risk", "--format", "csv"), "at_risk is a macro", "--format")
    refused(liq("describe", "at_rsik"), "at_rsik", "did you mean at_risk?", "liq describe")
    assert liq("describe", "At_Risk").stdout == result.stdout


def test_describe_lists_tables_and_macros() -> None:
    listed = {row["name"]: row for row in json.loads(liq("describe", "--format", "json").stdout)}
    assert set(listed) == {t.full_name for t in load().values()} | set(macros.load())
    assert listed["at_risk"]["kind"] == "macro"
    assert all(row["what"] for row in listed.values())


def test_describe_uses_the_types_of_the_dictionary() -> None:
    rows = json.loads(liq("describe", "market_balance", "--format", "json").stdout)
    assert {row["column"]: row["type"] for row in rows}["hour_utc"] == "Timestamp (ms)"


@pytest.mark.usefixtures("small_warehouse")
class TestRefusals:
    def test_unknown_coin_is_refused(self) -> None:
        refused(liq("headline", "DOGE"), "DOGE", "there are BTC")

    def test_unknown_exchange_is_refused(self) -> None:
        refused(liq("map", "BTC", "--exchange", "ftx", "--out", "x.png"), "ftx", "binance, bybit, okx")

    def test_unknown_window_is_refused(self) -> None:
        refused(liq("map", "BTC", "--window", "2d", "--out", "x.png"), "2d", "1d, 7d, 30d, all")

    def test_unknown_table_is_refused(self) -> None:
        refused(liq("describe", "mart.nothing"), "mart.nothing", "liq describe")
        refused(liq("sql", "SELECT * FROM nothing"), "nothing", "liq tables")

    def test_suggestions_of_duckdb_are_kept(self) -> None:
        refused(liq("sql", "FROM mart.market_balanc"), 'Did you mean "market_balance"? See the tables', "liq tables")
        refused(liq("sql", "SELECT imbalanc FROM mart.market_balance"), 'Candidate bindings: "imbalance"')
        refused(liq("sql", "FROM liquidation_map(nonsense := 1)"), "Candidate macros: liquidation_map(coin, as_of")

    def test_unknown_extension_is_refused(self) -> None:
        refused(liq("map", "BTC", "--out", "x.pdf"), ".pdf", ".png, .html or .csv")

    def test_unwritable_path_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        refused(liq("map", "BTC", "--out", str(tmp_path / "file" / "x.csv")), "x.csv", "another --out")

    def test_invalid_time_is_refused(self) -> None:
        refused(liq("headline", "BTC", "--as-of", "yesterday"), "yesterday", "2026-01-12T00:00Z")

    def test_future_time_is_refused(self) -> None:
        refused(liq("headline", "BTC", "--as-of", "2999-01-01T00:00Z"), "2999-01-01", "future")

    def test_unpublished_hour_is_refused(self) -> None:
        refused(
            liq("headline", "BTC", "--as-of", "2025-01-01T00:00Z"), "2025-01-01T00:00Z", "2026-01-11T23:00Z", "liq run"
        )

    @pytest.mark.parametrize("price", ["0", "-5", "nan", "inf"])
    def test_invalid_price_is_refused(self, price: str) -> None:
        refused(liq("headline", "BTC", "--price", price), f"{price} is not a price", "95000")

    def test_invalid_sql_is_refused(self) -> None:
        refused(liq("sql", "SELEC 1"), "Parser Error", "SELEC")
        refused(liq("sql", "SELECT nothing FROM mart.market_balance"), "Binder Error", "nothing")
        refused(liq("sql", "DROP VIEW mart.market_balance"), "read-only")
        refused(liq("sql", " "), "the statement is empty")

    def test_parquet_requires_a_file(self) -> None:
        refused(liq("sql", "SELECT 1 AS n", "--format", "parquet"), "parquet", "--out")

    def test_wrong_usage_names_the_help(self) -> None:
        refused(liq("sql", "SELECT 1", "--format", "xml"), "xml", "'table', 'csv', 'json', 'parquet'", "liq sql --help")
        refused(liq("nothing"), "nothing", "liq --help")
        refused(liq("map"), "coin", "liq map --help")
        refused(liq("map", "BTC"), "--out", "liq map --help")
        refused(liq("headline", "BTC", "--sideways"), "--sideways", "liq headline --help")

    def test_invalid_setting_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LIQ_EXCHANGES", "binance,ftx")
        refused(liq("headline", "BTC"), "LIQ_EXCHANGES", "ftx", "binance, bybit, okx")

    def test_missing_warehouse_is_refused(self, tmp_path: Path) -> None:
        refused(liq("headline", "BTC", "--warehouse", str(tmp_path / "nowhere")), "nowhere", "liq run")
        assert not (tmp_path / "nowhere").exists()

    def test_missing_catalog_is_refused(self, small_warehouse: Path) -> None:
        (small_warehouse / "catalog.duckdb").unlink()
        refused(liq("tables"), "catalog.duckdb", "liq run")

    def test_damaged_catalog_is_refused(self, small_warehouse: Path) -> None:
        (small_warehouse / "catalog.duckdb").write_text("not a database")
        refused(liq("tables"), "catalog.duckdb", "liq run")

    def test_other_schema_is_refused(self, small_warehouse: Path) -> None:
        marker = {"schema": SCHEMA_VERSION - 1, "source": "simulated"}
        (small_warehouse / "warehouse.json").write_text(json.dumps(marker))
        refused(liq("headline", "BTC"), f"schema {SCHEMA_VERSION - 1}", "LIQ_WAREHOUSE")

    def test_damaged_marker_is_refused(self, small_warehouse: Path) -> None:
        (small_warehouse / "warehouse.json").write_text("{")
        refused(liq("headline", "BTC"), "warehouse.json", "damaged")

    @pytest.mark.parametrize("damage", [b"", b"PAR1 and then nothing that Parquet knows PAR1", b"x" * 4096])
    def test_corrupt_parquet_file_is_named(self, small_warehouse: Path, damage: bytes) -> None:
        path = small_warehouse / "mart/market_balance/coin=BTC/date=2026-01-12/data.parquet"
        path.write_bytes(damage)
        refused(liq("headline", "BTC"), str(path), "liq doctor")
        refused(liq("sql", "SELECT * FROM mart.market_balance"), str(path), "liq doctor")

    def test_read_only_warehouse_can_be_queried(self, small_warehouse: Path) -> None:
        for folder, _, _ in os.walk(small_warehouse):
            Path(folder).chmod(0o555)
        assert liq("headline", "BTC").exit_code == 0
        for folder, _, _ in os.walk(small_warehouse):
            Path(folder).chmod(0o755)

    def test_moved_warehouse_is_not_found(self, small_warehouse: Path) -> None:
        shutil.move(small_warehouse, small_warehouse.with_name("moved"))
        refused(liq("headline", "BTC"), "no warehouse", str(small_warehouse))
