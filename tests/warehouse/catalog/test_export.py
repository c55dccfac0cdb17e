"""`liq export`: the rows of a range in every format, complete or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from typer.testing import CliRunner, Result

from expectations.tables import table
from tests.expectations.sound import sound
from warehouse.catalog import build as catalog
from warehouse.catalog import export
from warehouse.cli.main import app
from warehouse.progress import Silent
from warehouse.storage.store import Store

HOUR = "2026-01-11T23:00Z"


def liq(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["export", *arguments], prog_name="liq")


def read(path: Path) -> pl.DataFrame:
    if path.suffix == ".arrow":
        return pl.DataFrame(pl.from_arrow(pa.ipc.open_file(path).read_all()))
    return pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, try_parse_dates=True)


def shown(root: Path, condition: str) -> pl.DataFrame:
    with catalog.connect(root) as connection:
        return connection.sql(f"SELECT * FROM mart.liquidation_levels WHERE {condition}").pl()


@pytest.mark.parametrize("ending", ["parquet", "csv", "arrow"])
def test_export_equals_the_view(small_warehouse: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / "new" / f"levels.{ending}"
    result = liq("liquidation_levels", "--out", str(out))
    assert result.exit_code == 0, result.output
    expected = shown(small_warehouse, "true")
    assert f"wrote {out} ({expected.height:,} rows of mart.liquidation_levels, modelled)" in result.stdout
    assert "export: " in result.stderr
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    written = read(out)
    assert written.columns == expected.columns
    assert written.cast(dict(expected.schema)).equals(expected)


def test_a_range_includes_both_ends_and_only_the_selected_rows(small_warehouse: Path, tmp_path: Path) -> None:
    out = tmp_path / "levels.parquet"
    result = liq("mart.liquidation_levels", "--from", HOUR, "--to", HOUR, "--coins", "btc", "--exchanges", "okx,bybit",
                 "--out", str(out))  # fmt: skip
    assert result.exit_code == 0, result.output
    assert read(out).equals(shown(small_warehouse, "hour_utc = '2026-01-11 23:00' AND exchange <> 'binance'"))


def test_export_writes_in_batches(small_warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    monkeypatch.setattr(Silent, "step", lambda self, note="", advance=1, rows=0: steps.append(advance))
    request = export.ExportRequest(table("liquidation_levels"))
    with catalog.connect(small_warehouse) as connection:
        rows = export.export(connection, request, tmp_path / "levels.parquet", Silent(), at_once=1000)
    assert sum(steps) == rows > 2000
    assert len(steps) > 1


@pytest.mark.usefixtures("small_warehouse")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing", "--out", "x.csv"], ["nothing", "mart.liquidation_levels"]),
        (["liquidation_levels", "--out", "x.xlsx"], [".xlsx", ".parquet, .csv or .arrow"]),
        (["liquidation_levels", "--out", "x"], ["without an extension", ".parquet, .csv or .arrow"]),
        (["liquidation_levels", "--from", "2030-01-01T00:00Z", "--out", "x.csv"], ["no rows", "liq tables"]),
        (["liquidation_levels", "--coins", "BTC,DOGE", "--out", "x.csv"], ["no coin DOGE in mart", "there are BTC"]),
        (
            ["liquidation_levels", "--exchanges", "okx,kraken", "--out", "x.csv"],
            ["no exchange kraken", "binance, bybit"],
        ),
        (["sweeps", "--coins", "BTC", "--out", "x.csv"], ["no coin BTC in mart.sweeps", "liq run"]),
        (["liquidation_levels", "--from", "", "--out", "x.csv"], ["'' is not a time"]),
        (["liquidation_levels", "--from", "2026-01-12T00:00Z", "--to", HOUR, "--out", "x.csv"], ["after", "swap"]),
        (["liquidation_levels", "--from", "yesterday", "--out", "x.csv"], ["yesterday", "2026-01-12T00:00Z"]),
        (["watermark", "--from", HOUR, "--out", "x.csv"], ["ops.watermark", "--from", "no time"]),
        (["watermark", "--coins", "BTC", "--out", "x.csv"], ["ops.watermark", "--coins", "no column coin"]),
        (["market_balance", "--exchanges", "okx", "--out", "x.csv"], ["--exchanges", "no column exchange"]),
        (["liquidation_levels", "--coins", "", "--out", "x.csv"], ["--coins is empty", "leave it out"]),
        (["liquidation_levels"], ["--out", "liq export --help"]),
    ],
)
def test_invalid_request_is_refused_in_one_line(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    before = sorted(tmp_path.iterdir())
    result = liq(*arguments)
    assert result.exit_code == 2, result.output
    line = result.stderr.strip()
    assert line.startswith("liq: ")
    assert "\n" not in line
    for word in words:
        assert word in line
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.usefixtures("small_warehouse")
def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "levels.csv").mkdir()
    result = liq("Liquidation_Levels", "--out", str(tmp_path / "levels.csv"))
    assert (result.exit_code, "levels.csv (it is a folder); choose another --out" in result.stderr) == (2, True)
    assert [path.name for path in tmp_path.rglob("*levels.csv*")] == ["levels.csv"]


def test_a_failed_export_leaves_the_old_file(
    small_warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "levels.csv"
    out.write_text("old")

    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Silent, "step", fails)
    with catalog.connect(small_warehouse) as connection, pytest.raises(Exception, match="No space left"):
        export.export(connection, export.ExportRequest(table("liquidation_levels")), out, Silent())
    assert out.read_text() == "old"
    assert not list(tmp_path.glob(".levels*"))


def test_bytes_are_base64_in_csv(small_warehouse: Path, tmp_path: Path) -> None:
    payloads = sound("payloads")
    Store(small_warehouse).write_partitions(table("payloads"), payloads)
    catalog.build(small_warehouse)
    out = tmp_path / "payloads.csv"
    assert liq("raw.payloads", "--out", str(out)).exit_code == 0
    assert read(out)["body"].str.decode("base64").to_list() == payloads["body"].to_list()


def test_a_daily_table_is_filtered_by_day(small_warehouse: Path, tmp_path: Path) -> None:
    scores = sound("map_scores")
    Store(small_warehouse).write_partitions(table("map_scores"), scores)
    catalog.build(small_warehouse)
    out = tmp_path / "scores.parquet"
    day = scores["date"].max()
    assert liq("map_scores", "--from", f"{day}T00:00Z", "--out", str(out)).exit_code == 0
    assert read(out)["date"].unique().to_list() == [day]


@pytest.mark.usefixtures("small_warehouse")
def test_leftovers_of_a_killed_export_are_removed_and_a_link_is_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "levels.csv", tmp_path / "link.csv"
    link.symlink_to(target)
    left, being_written = (tmp_path / f".levels.csv.{pid}.tmp" for pid in (2**22 + 1, os.getppid()))
    for each in (left, being_written):
        each.touch()
    assert liq("liquidation_levels", "--out", str(link)).exit_code == 0
    assert (link.is_symlink(), target.stat().st_size > 0) == (True, True)
    assert (left.exists(), being_written.exists()) == (False, True)
