"""Recorded files are recognised by their columns, under any name; `liq export` makes a recording."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import httpx
import polars as pl
import pytest
from typer.testing import CliRunner

from tests.warehouse.trial import NOW, Trial
from warehouse.cli.main import app
from warehouse.clock import to_ms
from warehouse.simulator import serve
from warehouse.simulator.recorded.layouts import load

HOUR_MS = 3_600_000
START_MS = 1_767_225_600_000  # 2026-01-01

OPEN_INTEREST = pl.DataFrame(
    {
        "exchange": ["bybit", "bybit"],
        "coin": ["WIF", "WIF"],
        "time_utc": [datetime(2026, 1, 1), datetime(2026, 1, 1, 1)],
        "open_interest_base": [100.0, 110.0],
        "open_interest_usd": [200.0, None],
    }
)
BARS = pl.DataFrame(
    {
        "exchange": ["bybit"] * 12,
        "coin": ["WIF"] * 12,
        "open_utc": pl.datetime_range(datetime(2026, 1, 1), datetime(2026, 1, 1, 0, 55), "5m", eager=True),
        "interval_minutes": [5] * 12,
        "price_kind": ["mark"] * 12,
        "open": [2.0] * 12,
        "high": [float(3 + n) for n in range(12)],
        "low": [1.0] * 12,
        "close": [2.5] * 12,
        "volume_base": [None] * 12,
    },
    schema_overrides={"volume_base": pl.Float64},
)


def test_a_coin_that_the_simulator_does_not_know_is_served(tmp_path: Path) -> None:
    OPEN_INTEREST.write_parquet(tmp_path / "a.parquet")
    BARS.write_parquet(tmp_path / "b.parquet")
    with serve(source="recorded", directory=tmp_path, now_ms=START_MS + HOUR_MS) as sim:
        asked = {"category": "linear", "symbol": "WIFUSDT"}
        rows = httpx.get(f"{sim.url}/v5/market/open-interest", params=asked | {"intervalTime": "1h"}).json()["result"]
        bars = httpx.get(f"{sim.url}/v5/market/mark-price-kline", params=asked | {"interval": "60"}).json()["result"]
    assert [(int(row["timestamp"]), float(row["openInterest"])) for row in rows["list"]] == [
        (START_MS + HOUR_MS, 220.0),  # Bybit publishes both sides added up
        (START_MS, 200.0),
    ]
    assert [[float(cell) for cell in bar[:5]] for bar in bars["list"][-1:]] == [[START_MS, 2.0, 14.0, 1.0, 2.5]]


def test_a_file_of_another_kind_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    OPEN_INTEREST.write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"coin": ["BTC"], "views": [1]}).write_parquet(tmp_path / "other.parquet")
    assert list(load(tmp_path).open_interest) == [("bybit", "WIF")]
    assert "other.parquet is no recording: its columns are coin, views" in caplog.text


def test_what_is_exported_is_replayed(one_hour: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "recording"
    folder.mkdir()
    for n, name in enumerate(("core.open_interest", "core.price_bars", "core.margin_tiers")):
        arguments = ["export", name, "--out", str(folder / f"{n}.parquet"), "--warehouse", str(one_hour.root)]
        made = CliRunner().invoke(app, arguments, prog_name="liq")
        assert made.exit_code == 0, made.stderr
    recording = load(folder)
    assert {key for key in recording.tiers if key[1] == "BTC"} == {
        (name, "BTC") for name in ("binance", "bybit", "okx")
    }
    own = pl.col("exchange") == "binance"
    stored = one_hour.ask("FROM core.open_interest").filter(own & (pl.col("coin") == "BTC"))
    with serve(source="recorded", directory=folder, now_ms=to_ms(NOW)) as sim:
        asked = {"symbol": "BTCUSDT", "period": "5m", "limit": "500"}
        rows = httpx.get(f"{sim.url}/futures/data/openInterestHist", params=asked).json()
        asked = {"instType": "SWAP", "tdMode": "isolated", "instFamily": "BTC-USDT"}
        okx = httpx.get(f"{sim.url}/api/v5/public/position-tiers", params=asked).json()["data"]
    replayed = {int(row["timestamp"]): float(row["sumOpenInterest"]) for row in rows}
    published = {to_ms(time): base for time, base in stored.select("time_utc", "open_interest_base").iter_rows()}
    assert len(replayed) >= 12
    bars = one_hour.ask("FROM core.price_bars").filter(own & (pl.col("coin") == "BTC"))
    traded = recording.bars["binance", "BTC", "trade", 300_000]
    assert traded["volume"].to_list() == bars.sort("open_utc")["volume_base"].to_list()
    assert replayed == {time: pytest.approx(published[time]) for time in replayed}
    tiers = one_hour.ask("FROM core.margin_tiers").filter((pl.col("exchange") == "okx") & (pl.col("coin") == "BTC"))
    assert sorted(float(row["maxSz"]) for row in okx) == pytest.approx(sorted(tiers["tier_cap"].to_list()))


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bars.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=r"bars\.parquet cannot be read"):
        load(tmp_path)


def test_values_of_another_type_are_named(tmp_path: Path) -> None:
    OPEN_INTEREST.with_columns(coin=pl.lit("WIF"), open_interest_base=pl.lit("many")).write_parquet(
        tmp_path / "a.parquet"
    )
    with pytest.raises(ValueError, match=r"a\.parquet is no recording of open_interest"):
        load(tmp_path)


def test_equal_bars_count_once(tmp_path: Path) -> None:
    OPEN_INTEREST.write_parquet(tmp_path / "a.parquet")
    bars = {"symbol": ["BTCUSDT"] * 3, "open_ms": [0, 0, 300_000], "volume_base": [1.0] * 3}
    pl.DataFrame(bars | dict.fromkeys(("open", "high", "low", "close"), [2.0] * 3)).write_parquet(
        tmp_path / "b.parquet"
    )
    assert load(tmp_path).bars["binance", "BTC", "trade", 300_000].height == 2
