"""Recorded series over the same wire format: recorded data is served unchanged, missing data is empty."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import polars as pl
import pytest

from warehouse.simulator import Simulation, recorded_range, serve

DIRECTORY = Path(__file__).resolve().parents[5] / "shared" / "recorded"
HOUR_MS = 3_600_000
NOW_MS = 1_767_225_600_000 + HOUR_MS // 2  # 2026-01-01 00:30

pytestmark = pytest.mark.skipif(not DIRECTORY.exists(), reason="the recorded market data is not beside the project")


@pytest.fixture(scope="module")
def played() -> Iterator[Simulation]:
    with serve(source="recorded", directory=DIRECTORY, now_ms=NOW_MS) as running:
        yield running


@pytest.fixture(scope="module")
def client(played: Simulation) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=played.url, timeout=30) as opened:
        yield opened


def test_open_interest_equals_the_file(client: httpx.Client) -> None:
    file = pl.read_parquet(DIRECTORY / "binance_open_interest_5m.parquet").filter(
        pl.col("symbol") == "BTCUSDT", pl.col("ts_ms") <= NOW_MS
    )
    reply = client.get("/futures/data/openInterestHist?symbol=BTCUSDT&period=5m&limit=500")
    assert reply.headers["x-recorded"] == "1"
    assert "x-simulated" not in reply.headers
    rows, last = reply.json(), file.tail(500)
    assert [row["timestamp"] for row in rows] == last["ts_ms"].to_list()
    assert [float(row["sumOpenInterest"]) for row in rows] == pytest.approx(last["sum_open_interest"].to_list())
    value = [float(row["sumOpenInterestValue"]) for row in rows]
    assert value == pytest.approx(last["sum_open_interest_value"].to_list())
    now = client.get("/fapi/v1/openInterest?symbol=BTCUSDT").json()
    assert (now["time"], float(now["openInterest"])) == (last["ts_ms"][-1], last["sum_open_interest"][-1])


def test_hourly_bars_aggregate_five_minutes_without_taker_volume(client: httpx.Client) -> None:
    file = pl.read_parquet(DIRECTORY / "binance_klines_5m.parquet").filter(pl.col("symbol") == "BTCUSDT")
    closed, still_open = client.get("/fapi/v1/klines?symbol=BTCUSDT&interval=1h&limit=2").json()
    for row, end in ((closed, closed[0] + HOUR_MS), (still_open, NOW_MS)):
        parts = file.filter(pl.col("open_ms") >= row[0], pl.col("open_ms") < end)
        assert float(row[1]) == parts["open"][0]
        assert float(row[2]) == parts["high"].max()
        assert float(row[3]) == parts["low"].min()
        assert float(row[4]) == parts["close"][-1]
        assert float(row[5]) == pytest.approx(parts["volume_base"].sum(), abs=1e-3)
        assert row[7] == row[9] == row[10] == ""
    assert still_open[0] == NOW_MS - HOUR_MS // 2


def test_mark_bars_are_hourly_only_and_closed(client: httpx.Client) -> None:
    rows = client.get("/fapi/v1/markPriceKlines?symbol=BTCUSDT&interval=1h&limit=2").json()
    assert rows[-1][6] < NOW_MS
    assert client.get("/fapi/v1/markPriceKlines?symbol=BTCUSDT&interval=5m").json() == []
    now = client.get("/fapi/v1/premiumIndex?symbol=BTCUSDT").json()
    assert (now["markPrice"], now["time"]) == (rows[-1][4], rows[-1][6] + 1)
    assert now["indexPrice"] == now["lastFundingRate"] == ""


def test_unrecorded_series_are_empty(client: httpx.Client) -> None:
    for path in ("globalLongShortAccountRatio", "takerlongshortRatio"):
        assert client.get(f"/futures/data/{path}?symbol=BTCUSDT&period=1h").json() == []
    assert client.get("/fapi/v1/fundingRate?symbol=BTCUSDT").json() == []
    for path in ("mark-price-kline?interval=60", "kline?interval=5", "account-ratio?period=1h"):
        body = client.get(f"/v5/market/{path}&category=linear&symbol=BTCUSDT").json()
        assert body["result"]["list"] == []
    for path in ("public/open-interest?instType=SWAP", "public/mark-price?instType=SWAP"):
        assert client.get(f"/api/v5/{path}").json() == {"code": "0", "msg": "", "data": []}
    hour = "rubik/stat/contracts/open-interest-history?instId=BTC-USDT-SWAP&period=1H"
    assert client.get(f"/api/v5/{hour}").json()["data"] == []


def test_bybit_pages_equal_the_two_sided_file(client: httpx.Client) -> None:
    file = pl.read_parquet(DIRECTORY / "bybit_open_interest_1h.parquet").filter(
        pl.col("symbol") == "ETHUSDT", pl.col("ts_ms") <= NOW_MS
    )
    asked = {"category": "linear", "symbol": "ETHUSDT", "intervalTime": "1h", "limit": "200"}
    asked |= {"startTime": str(file["ts_ms"][0]), "endTime": str(NOW_MS)}
    rows: list[dict[str, str]] = []
    page = client.get("/v5/market/open-interest", params=asked).json()["result"]
    while True:
        rows += page["list"]
        if not page["nextPageCursor"]:
            break
        page = client.get(f"/v5/market/open-interest?cursor={page['nextPageCursor']}", params=None).json()
        if page["retCode"] != 0:  # the other parameters must be sent again
            sent = asked | {"cursor": f"lastid=0&lasttime={int(rows[-1]['timestamp']) // 1000 - 3600}"}
            page = client.get("/v5/market/open-interest", params=sent).json()
        page = page["result"]
    assert [int(row["timestamp"]) for row in rows] == file["ts_ms"].reverse().to_list()
    assert [float(row["openInterest"]) for row in rows] == pytest.approx(file["open_interest"].reverse().to_list())
    assert all(2 * float(row["singleOpenInterest"]) == pytest.approx(float(row["openInterest"])) for row in rows)


def test_okx_volume_is_in_contracts(client: httpx.Client) -> None:
    row = client.get("/api/v5/market/candles?instId=SOL-USDT-SWAP&bar=1H&limit=1").json()["data"][0]
    file = pl.read_parquet(DIRECTORY / "bybit_okx_klines_1h.parquet").filter(
        pl.col("venue") == "okx", pl.col("coin") == "SOL", pl.col("open_ms") == int(row[0])
    )
    assert float(row[5]) == pytest.approx(file["v"][0])
    assert (row[7], row[8]) == ("", "1")


def test_tiers_come_from_file_and_documentation(client: httpx.Client) -> None:
    body = client.get("/bapi/futures/v1/friendly/future/common/brackets").json()
    names = [row["symbol"] for row in body["data"]["brackets"]]
    assert set(names) == {"BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT", "AVAXUSDT"}
    rows = client.get("/v5/market/risk-limit?category=linear").json()["result"]["list"]
    assert {row["symbol"] for row in rows} == {"BTCUSDT"}
    asked = "/api/v5/public/position-tiers?instType=SWAP&tdMode=isolated&instFamily="
    assert len(client.get(asked + "BTC-USDT").json()["data"]) == 99
    assert client.get(asked + "SOL-USDT").json()["data"] == []


def test_recorded_source_has_no_market(played: Simulation) -> None:
    with pytest.raises(TypeError, match="recorded"):
        _ = played.market


def test_default_clock_is_the_end_of_the_recording() -> None:
    first, last = recorded_range(DIRECTORY)
    assert first < NOW_MS < last
    with serve(source="recorded", directory=DIRECTORY) as sim:
        assert httpx.get(sim.url + "/fapi/v1/time").json() == {"serverTime": last}


def test_okx_serves_its_nine_recorded_days() -> None:
    at = 1_756_454_400_000 + 6 * HOUR_MS
    with serve(source="recorded", directory=DIRECTORY, now_ms=at) as sim:
        rows = httpx.get(sim.url + "/api/v5/public/open-interest?instType=SWAP").json()["data"]
        past = "/api/v5/rubik/stat/contracts/open-interest-history?instId=BTC-USDT-SWAP&period=1H"
        history = httpx.get(sim.url + past).json()["data"]
    assert {row["instId"] for row in rows} == {f"{coin}-USDT-SWAP" for coin in ("BTC", "ETH", "SOL", "DOGE", "AVAX")}
    assert all(int(row["ts"]) <= at for row in rows)
    assert 0 < len(history) <= 7
    assert float(history[0][1]) * 0.01 == pytest.approx(float(history[0][2]), abs=1e-3)


def test_recording_without_open_interest_has_no_range(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"has no recorded open interest; .*liq export"):
        recorded_range(tmp_path)
    with serve(source="recorded", directory=tmp_path, now_ms=NOW_MS) as sim:
        assert httpx.get(sim.url + "/fapi/v1/exchangeInfo").json()["symbols"] == []


def test_recorded_source_requires_a_directory() -> None:
    with pytest.raises(ValueError, match="directory"), serve(source="recorded", now_ms=NOW_MS):
        pass
