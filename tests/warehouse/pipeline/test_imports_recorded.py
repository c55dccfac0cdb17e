"""Imports of each layout of the recorded data, and a map built from them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from tests.warehouse.pipeline.importer import RECORDED, Importer, ms
from warehouse import settings
from warehouse.clock import hours
from warehouse.pipeline import run as pipeline

FIRST, LAST = datetime(2026, 1, 5, 1), datetime(2026, 1, 5, 12)
DAY = (ms("2026-01-05T00:00"), ms("2026-01-06T00:00"))
KLINES = "exchange=venue,time=open_ms,open=o,high=h,low=l,close=c,volume=v"
SUMS = "time=open_ms,long=long_liquidation_usd,short=short_liquidation_usd"
BASE, CONTRACTS = ("--unit", "base"), ("--unit", "contracts")
OI_COLUMNS = "time=ts_ms,instrument=symbol,open_interest=sum_open_interest,open_interest_usd=sum_open_interest_value"
RECORDED_DAY = {
    "binance_open_interest_5m": ("open_interest", "binance", OI_COLUMNS, *BASE, "--sides", "1", "--source", "archive"),
    "binance_mark_klines_1h": ("price_bars", "binance", "time=open_ms,instrument=symbol", "--prices", "mark"),
    "binance_klines_5m": (
        "price_bars", "binance", "time=open_ms,instrument=symbol,volume=volume_base", "--prices", "trade", *BASE,
    ),
    "bybit_open_interest_1h": ("open_interest", "bybit", "time=ts_ms,instrument=symbol", *BASE, "--sides", "2"),
    "bybit_okx_klines_1h": ("price_bars", "bybit", KLINES, "--prices", "trade", *BASE),
}  # fmt: skip
OTHER_LAYOUTS = {
    "klines_1h_2025-08-29_09-06": ("price_bars", "binance", KLINES, "--prices", "trade", *BASE),
    "klines_1h_2025-03-06_05-15": ("price_bars", "bybit", KLINES, "--prices", "trade", *BASE),
    "bybit_okx_klines_1h": (
        "price_bars", "okx", KLINES, "--prices", "trade", *CONTRACTS,
        "--contract-size", "BTC-USDT-SWAP=0.01,ETH-USDT-SWAP=0.1,SOL-USDT-SWAP=1,DOGE-USDT-SWAP=1000",
    ),
    "okx_open_interest_2025-08-29_09-06": (
        "open_interest", "okx", "time=ts_ms,instrument=inst_id,open_interest=oi_ccy", *BASE, "--sides", "1",
        "--contract-size", "AVAX-USDT-SWAP=1",
    ),
    "realised_liquidations_4h_2025-03-06_05-15": (
        "realised_liquidations", "bybit", SUMS, "--unit", "usd", "--source", "all-exchanges-added-up",
    ),
}  # fmt: skip
pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="no recorded data beside the project (../shared/recorded)"
)


def options(form: str, exchange: str, columns: str, *more: str) -> tuple[str, ...]:
    return ("--as", form, "--exchange", exchange, "--columns", columns, *more)


def cut(folder: Path, name: str, first: int, last: int) -> Path:
    """Write the rows of some days of a recorded file, in the same layout, and return the path."""
    rows = pl.read_parquet(RECORDED / f"{name}.parquet")
    time = "open_ms" if "open_ms" in rows.columns else "ts_ms"
    path = folder / f"{name}.parquet"
    rows.filter(pl.col(time).is_between(first, last, closed="left")).write_parquet(path)
    return path


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Importer]:
    """Yield a warehouse with an imported day of Binance and Bybit, run over exchanges without data."""
    folder = tmp_path_factory.mktemp("imported")
    (folder / "recorded").mkdir()
    about = {"SOURCE": "recorded", "RECORDED": folder / "recorded", "NOW": "2026-01-30T00:00Z", "COINS": "BTC"}
    with pytest.MonkeyPatch.context() as patched:
        for name, value in {**about, "WAREHOUSE": folder / "warehouse"}.items():
            patched.setenv(f"LIQ_{name}", str(value))
        warehouse = Importer(folder / "warehouse")
        for name, wanted in RECORDED_DAY.items():
            warehouse.takes(cut(folder, name, *DAY), *options(*wanted))
        pipeline.run(settings.load(), FIRST, LAST)
        yield warehouse


def test_map_is_built_from_imported_data(imported: Importer) -> None:
    books = imported.rows("position_ledger").filter(~pl.col("is_stale"))
    for exchange in ("binance", "bybit"):
        assert set(books.filter(pl.col("exchange") == exchange)["hour_utc"]) == set(hours(FIRST, LAST))
    off = books.select((pl.col("closing_base") / pl.col("open_interest_base") - 1).abs().max()).item()
    assert off < 1e-9
    assert set(imported.rows("liquidation_levels")["exchange"]) == {"binance", "bybit"}
    assert imported.rows("position_ledger")["source"].str.starts_with("imported").all()


def test_two_sided_open_interest_is_halved_and_trades_fill_volume(imported: Importer) -> None:
    bybit = imported.rows("open_interest").filter((pl.col("exchange") == "bybit") & (pl.col("coin") == "BTC"))
    assert (bybit["open_interest_base"] * 2).to_list() == bybit["reported"].to_list()
    bars = imported.rows("price_bars").filter((pl.col("exchange") == "binance") & (pl.col("coin") == "BTC"))
    assert set(bars["price_kind"]) == {"mark"}
    assert set(bars["interval_minutes"]) == {60}
    theirs = pl.read_parquet(RECORDED / "binance_klines_5m.parquet").filter(
        (pl.col("symbol") == "BTCUSDT") & pl.col("open_ms").is_between(*DAY, closed="left")
    )
    assert bars["volume_base"].sum() == pytest.approx(theirs["volume_base"].sum())


def test_exchange_without_recordings_is_a_gap(imported: Importer) -> None:
    missing = imported.rows("gaps").filter((pl.col("exchange") == "okx") & (pl.col("state") == "missing"))
    assert set(hours(FIRST, LAST)) <= set(missing["hour_utc"])


def test_other_layouts_are_imported(imported: Importer) -> None:
    days = {"okx_open": "2025-09-01", "klines_1h_2025-08": "2025-09-01", "bybit_okx": "2026-01-07"}
    for name, wanted in OTHER_LAYOUTS.items():
        day = ms(next((d for start, d in days.items() if name.startswith(start)), "2025-04-01") + "T00:00")
        file = cut(imported.root.parent, name, day, day + DAY[1] - DAY[0])
        assert "Imported" in imported.takes(file, *options(*wanted))
    events = imported.rows("realised_liquidations")
    sums = pl.read_parquet(imported.root.parent / "realised_liquidations_4h_2025-03-06_05-15.parquet")
    for side in ("long", "short"):
        told = events.filter(pl.col("side") == side)["notional_usd"].sum()
        assert told == pytest.approx(sums[f"{side}_liquidation_usd"].sum())
    assert set(events["source"]) == {"imported:all-exchanges-added-up"}
    assert imported.rows("realised_coverage").is_empty()
