"""`liq import` of small files, valid and invalid."""

from __future__ import annotations

import gzip
import signal
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from filelock import FileLock

from tests.warehouse.pipeline.importer import Importer, csv
from tests.warehouse.trial import CORE, build, python
from warehouse import settings
from warehouse.pipeline import run as pipeline
from warehouse.plan import Plan
from warehouse.storage.staging import Stage
from warehouse.storage.store import Store

OI = ("--as", "open_interest", "--exchange", "binance", "--unit", "base", "--sides", "1")
BARS = ("--as", "price_bars", "--exchange", "binance", "--prices", "mark", "--instrument", "BTCUSDT")
TRADES = ("--as", "price_bars", "--exchange", "okx", "--prices", "trade", "--instrument", "BTC-USDT-SWAP")
EVENTS = ("--as", "realised_liquidations", "--exchange", "okx", "--unit", "contracts", "--instrument", "BTC-USDT-SWAP")
SIZE = ("--contract-size", "0.01")
SOUND_OI = """
    time,instrument,open_interest
    2026-01-05T01:00:00Z,BTCUSDT,10
    2026-01-05T00:00:00Z,BTCUSDT,9
    2026-01-05T01:00:00Z,BTCUSDT,10
"""
SOUND_BARS = """
    time,open,high,low,close
    2026-01-05 00:00,100,102,99,101
    2026-01-05 00:05,101,102,99,100
    2026-01-05 00:10,100,102,99,101
"""
OFF_GRID = SOUND_BARS.replace("00:00", "00:03").replace("00:05", "00:08").replace("00:10", "00:13")
SOUND_EVENTS = """
    time,side,price,size
    2026-01-05T00:30:00Z,sell,100,50
    2026-01-05T02:10:00Z,BUY,100,70
    2026-01-05T02:10:00Z,BUY,100,70
    2026-01-05T04:20:00Z,sell,100,90
"""
WORDS = ("--side-words", "long=sell,short=buy")


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Importer:
    """Return a warehouse of source `recorded` with an empty recording."""
    (tmp_path / "recorded").mkdir()
    root = tmp_path / "warehouse"
    about = {"SOURCE": "recorded", "RECORDED": tmp_path / "recorded", "NOW": "2026-01-30T00:00Z", "WAREHOUSE": root}
    for name, value in about.items():
        monkeypatch.setenv(f"LIQ_{name}", str(value))
    return Importer(root)


def test_rows_are_normalised_and_marked_with_their_source(warehouse: Importer, tmp_path: Path) -> None:
    said = warehouse.takes(csv(tmp_path / "oi.csv", SOUND_OI), *OI[:-1], "2", "--source", "Kaiko")
    rows = warehouse.rows("open_interest")
    assert rows["open_interest_base"].to_list() == [4.5, 5.0]
    assert rows["time_utc"].to_list() == [datetime(2026, 1, 5), datetime(2026, 1, 5, 1)]
    assert set(rows["source"]) == {"imported:kaiko"}
    assert warehouse.ask("SELECT count(*) AS n FROM core.open_interest")["n"].item() == 2
    assert "2 rows of open_interest" in said
    assert "1 duplicate rows" in said
    assert "new        BTCUSDT" in said
    assert "liq backfill --from 2026-01-05T00:00Z --to 2026-01-05T01:00Z --coins BTC" in said


def test_hours_missing_from_an_import_are_gaps(warehouse: Importer, tmp_path: Path) -> None:
    warehouse.takes(csv(tmp_path / "oi.csv", SOUND_OI.replace("T00:00:00Z", "T22:00:00Z")), *OI)
    gaps = warehouse.rows("gaps").filter(pl.col("series") == "open_interest")
    assert gaps["hour_utc"].to_list() == [datetime(2026, 1, 5, h) for h in range(2, 22)]


def test_second_import_changes_nothing(warehouse: Importer, tmp_path: Path) -> None:
    file = csv(tmp_path / "oi.csv", SOUND_OI)
    warehouse.takes(file, *OI)
    before = warehouse.files()
    packed = tmp_path / "oi.csv.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    assert "Nothing new" in warehouse.takes(packed, *OI)
    assert warehouse.files() == before


def test_corrected_file_replaces_earlier_rows(warehouse: Importer, tmp_path: Path) -> None:
    for text in (SOUND_OI, SOUND_OI.replace(",9", ",8"), SOUND_OI, SOUND_OI.replace(",10", ",14")):
        warehouse.takes(csv(tmp_path / "oi.csv", text), *OI)
    assert warehouse.rows("open_interest")["open_interest_base"].to_list() == [9.0, 14.0]


def test_core_rebuilt_from_raw_is_the_same(warehouse: Importer, tmp_path: Path) -> None:
    warehouse.takes(csv(tmp_path / "oi.csv", SOUND_OI), *OI)
    warehouse.takes(csv(tmp_path / "bars.csv", SOUND_BARS), *BARS)
    warehouse.takes(csv(tmp_path / "events.csv", SOUND_EVENTS), *EVENTS, *SIZE, *WORDS, "--complete")
    made = {name: file for name, file in warehouse.files().items() if name.startswith("core/")}
    for path in (warehouse.root / "core").rglob("*.parquet"):
        path.unlink()
    stage = Stage(Store(warehouse.root), "anew")
    hour = datetime(2026, 1, 5, 6)
    days = (datetime(2026, 1, 4).date(), hour.date())
    build(stage, Plan(hour, hour, ("BTC",), settings.load().exchanges, False, tables=CORE, days=days))
    stage.publish()
    anew = warehouse.files()
    assert {name: anew.get(name) for name in made} == made


def test_complete_liquidations_cover_their_full_hours(warehouse: Importer, tmp_path: Path) -> None:
    warehouse.takes(csv(tmp_path / "events.csv", SOUND_EVENTS), *EVENTS, *SIZE, *WORDS, "--complete")
    events = warehouse.rows("realised_liquidations")
    assert events["side"].to_list() == ["long", "short", "short", "long"]
    assert events["size_base"].to_list() == pytest.approx([0.5, 0.7, 0.7, 0.9])
    assert events["completeness"].to_list() == [
        "sampled",
        "complete",
        "complete",
        "sampled",
    ]  # partial first and last hours are not complete
    covered = warehouse.rows("realised_coverage")
    assert covered["hour_utc"].to_list() == [datetime(2026, 1, 5, h) for h in (2, 3, 4)]


def test_liquidations_are_sampled_by_default(warehouse: Importer, tmp_path: Path) -> None:
    warehouse.takes(csv(tmp_path / "events.csv", SOUND_EVENTS), *EVENTS, *SIZE, *WORDS)
    assert set(warehouse.rows("realised_liquidations")["completeness"]) == {"sampled"}
    assert warehouse.rows("realised_coverage").is_empty()


def test_volume_in_contracts_requires_contract_size(warehouse: Importer, tmp_path: Path) -> None:
    text = SOUND_BARS.replace("close\n", "close,v\n").replace("101\n", "101,500\n").replace("100\n", "100,300\n")
    file = csv(tmp_path / "bars.csv", text)
    asked = (*TRADES, "--columns", "volume=v", "--unit", "contracts")
    assert "--contract-size BTC-USDT-SWAP=" in warehouse.refuses(file, *asked)
    warehouse.takes(file, *asked, *SIZE)
    assert warehouse.rows("price_bars")["volume_base"].to_list() == [5.0, 3.0, 5.0]
    assert warehouse.rows("instruments")["contract_base"].to_list() == [0.01]


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        (SOUND_OI.replace("open_interest", "oi"), OI, ("'open_interest'", "time, instrument, oi", "--columns")),
        (SOUND_OI, (*OI, "--columns", "price=open_interest"), ("no column 'price'",)),
        (SOUND_OI, (*OI, "--columns", "time"), ("--columns", "name=value")),
        (SOUND_OI.replace("instrument", "x"), OI, ("--instrument BTCUSDT",)),
        (SOUND_OI, OI[:-2], ("--sides 1 or --sides 2",)),
        (SOUND_OI, (*OI[:4], *OI[-2:]), ("--unit base or --unit contracts",)),
        (SOUND_OI.replace(",9", ","), OI, ("'open_interest'", "row 2", "blank")),
        (SOUND_OI.replace(",9", ",-9"), OI, ("row 2", "-9", "below zero")),
        (SOUND_OI.replace(",9", ",NaN"), OI, ("row 2", "not a number")),
        (SOUND_OI.replace("10\n", "11\n", 1), OI, ("rows 1, 3", "BTCUSDT", "differ")),
        (SOUND_OI.replace("2026-01-05T00", "2036-01-05T00"), OI, ("row 2", "2036", "between 2010 and now")),
        (SOUND_OI.replace("BTCUSDT", "XYZ"), OI, ("XYZ", "--coin")),
        (SOUND_OI.replace("instrument", "exchange"), (*OI, "--instrument", "X"), ("no row of binance", "btcusdt")),
        (SOUND_OI.splitlines()[1], OI, ("no rows",)),
        (SOUND_BARS, (*BARS[:4], *BARS[6:]), ("--prices mark",)),
        (SOUND_BARS.replace(",102,", ",100,", 1), BARS, ("'high'", "row 1", "highest")),
        (OFF_GRID, BARS, ("row 1", "grid")),
        (SOUND_BARS.replace("00:05", "04:00").replace("00:10", "08:00"), BARS, ("240 minutes apart",)),
        (SOUND_BARS.replace("00:10", "07:00"), BARS, ("most are not",)),
        ("\n".join(SOUND_BARS.splitlines()[:3]), BARS, ("no known length",)),
        (SOUND_EVENTS, (*EVENTS, *SIZE), ("row 1", "'sell'", "--side-words")),
        (SOUND_EVENTS, (*EVENTS, *SIZE, *WORDS, "--source", "a b"), ("--source",)),
    ],
)  # fmt: skip
def test_invalid_file_is_refused_and_nothing_is_written(
    warehouse: Importer, tmp_path: Path, text: str, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    line = warehouse.refuses(csv(tmp_path / "theirs.csv", text), *options)
    assert "Traceback" not in line
    for word in words:
        assert word in line


def test_liquidation_sums_require_price_bars(warehouse: Importer, tmp_path: Path) -> None:
    file = csv(tmp_path / "sums.csv", "time,l,s\n2026-01-05T00:00Z,500,0\n2026-01-05T01:00Z,0,300")
    options = (*EVENTS[:4], "--unit", "usd", "--instrument", "BTC-USDT-SWAP", "--columns", "long=l,short=s", *SIZE)
    assert "import price bars of these hours first" in warehouse.refuses(file, *options)


def test_file_that_fails_a_check_is_refused(warehouse: Importer, tmp_path: Path) -> None:
    warehouse.takes(csv(tmp_path / "bars.csv", SOUND_BARS), *BARS)
    wrong = """
        time,instrument,open_interest,open_interest_usd
        2026-01-05T00:10:00Z,BTCUSDT,10,1000
        2026-01-05T00:15:00Z,BTCUSDT,10,2000
    """
    line = warehouse.refuses(csv(tmp_path / "oi.csv", wrong), *OI)
    assert "nothing was imported" in line
    assert "value_within_10pct_of_mark" in line


def test_simulated_warehouse_refuses_imports(
    warehouse: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIQ_SOURCE", "simulated")
    assert "LIQ_SOURCE=live" in warehouse.refuses(csv(tmp_path / "oi.csv", SOUND_OI), *OI)


@pytest.mark.parametrize("name", ["oi.parquet", "oi.csv", "oi.xlsx"])
def test_unreadable_file_is_refused(warehouse: Importer, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x00\xff\xfe")
    assert name in warehouse.refuses(tmp_path / name, *OI)
    assert "no file" in warehouse.refuses(tmp_path / f"absent-{name}", *OI)


def test_next_run_rebuilds_the_map_after_an_import(
    warehouse: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIQ_COINS", "BTC")
    for name, text, options in (("bars", SOUND_BARS, BARS), ("oi", SOUND_OI, OI)):
        warehouse.takes(csv(tmp_path / f"{name}.csv", text), *options)
    first, after = datetime(2026, 1, 5, 1), datetime(2026, 1, 5, 2)
    pipeline.run(settings.load(), first, first)
    of_first = (pl.col("hour_utc") == first) & (pl.col("side") == "long")
    assert warehouse.rows("position_ledger").filter(of_first)["closing_base"].to_list() == [pytest.approx(9)]
    warehouse.takes(csv(tmp_path / "later.csv", SOUND_OI.replace(",9", ",8")), *OI)
    pipeline.run(settings.load(), after, after)
    assert warehouse.rows("position_ledger").filter(of_first)["closing_base"].to_list() == [pytest.approx(8)]


KILLED = """
import os, signal, sys
from typer.testing import CliRunner
from warehouse.storage import staging, store
from warehouse.cli.main import app
left = [int(sys.argv[1])]
def counted(whole):
    def step(*given, **options):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(*given, **options)
    return step
store.replace_durably = staging.replace_durably = counted(store.replace_durably)
store.Store.write = counted(store.Store.write)
sys.exit(CliRunner().invoke(app, sys.argv[2:], prog_name="liq").exit_code)
"""


@pytest.mark.slow
@pytest.mark.parametrize("moves", [0, 1, 5, 9, 13])
def test_killed_import_is_completed_by_the_same_command(
    warehouse: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    """The kills fall before any write, during staging and during publication."""
    file = csv(tmp_path / "bars.csv", SOUND_BARS)
    monkeypatch.setenv("LIQ_NOW", "2026-01-30T00:00:00Z")
    with python(KILLED, moves, "import", file, *BARS) as child:
        child.communicate()
    assert child.returncode == -signal.SIGKILL
    warehouse.takes(file, *BARS)
    done = {name: body for name, body in warehouse.files().items() if name.startswith("core/")}
    undisturbed = Importer(tmp_path / "undisturbed")
    monkeypatch.setenv("LIQ_WAREHOUSE", str(undisturbed.root))
    undisturbed.takes(file, *BARS)
    assert done == {name: body for name, body in undisturbed.files().items() if name.startswith("core/")}
    assert [name for name in warehouse.files() if name.startswith((".staging", "quarantine"))] == []


def test_import_fails_while_another_run_holds_the_lock(
    warehouse: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIQ_WAIT_S", "0")
    file = csv(tmp_path / "oi.csv", SOUND_OI)
    warehouse.takes(file, *OI)
    with FileLock(warehouse.root / ".lock"):
        done = warehouse.liq("import", file, *OI)
    assert done.exit_code == 1
    assert "another run" in done.stderr
