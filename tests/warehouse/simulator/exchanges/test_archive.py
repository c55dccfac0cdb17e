"""The archive: file layouts, publication times, and agreement with REST."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from warehouse.simulator import Fault, Simulation, serve
from warehouse.simulator.exchanges.binance_archive import KLINES, METRICS

FOLDER = "/data/futures/um/"
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
RECORDED = Path(__file__).resolve().parents[5] / "shared" / "recorded"


def ms(spelt: str) -> int:
    return int(datetime.fromisoformat(spelt).replace(tzinfo=UTC).timestamp()) * 1000


def table_of(reply: httpx.Response, name: str) -> tuple[list[str], list[dict[str, str]]]:
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        assert archive.namelist() == [f"{name}.csv"]
        reader = csv.DictReader(io.StringIO(archive.read(f"{name}.csv").decode()))
        rows = list(reader)
    return list(reader.fieldnames or ()), rows


def metrics_of(day: str, symbol: str = "BTCUSDT") -> str:
    return f"{FOLDER}daily/metrics/{symbol}/{symbol}-metrics-{day}.zip"


def bars_of(kind: str, period: str, interval: str = "5m", symbol: str = "BTCUSDT") -> str:
    often = "daily" if len(period) == 10 else "monthly"
    return f"{FOLDER}{often}/{kind}/{symbol}/{interval}/{symbol}-{interval}-{period}.zip"


@pytest.fixture(scope="module")
def clock() -> list[int]:
    return [ms("2026-07-06T12:00")]


@pytest.fixture(scope="module")
def running(clock: list[int]) -> Iterator[Simulation]:
    with serve(seed=7, now_ms=lambda: clock[0]) as simulation:
        yield simulation


@pytest.fixture(scope="module")
def asked(running: Simulation) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url, timeout=60) as client:
        yield client


@pytest.mark.parametrize(("day", "early_ms"), [("2026-06-24", 0), ("2026-06-25", 300_000)])
def test_metrics_equal_rest(asked: httpx.Client, day: str, early_ms: int) -> None:
    """The days lie before and after the change to labels five minutes early."""
    names, rows = table_of(asked.get(metrics_of(day)), f"BTCUSDT-metrics-{day}")
    assert names == list(METRICS)
    assert rows[0]["create_time"] == f"{day} 00:0{0 if early_ms else 5}:00"
    window = {"symbol": "BTCUSDT", "period": "5m", "startTime": ms(day) + 1, "endTime": ms(day) + DAY_MS, "limit": 500}
    said = asked.get("/futures/data/openInterestHist", params=window).json()
    assert [ms(row["create_time"]) + early_ms for row in rows] == [each["timestamp"] for each in said]
    assert [row["sum_open_interest"] for row in rows] == [each["sumOpenInterest"] for each in said]
    assert [row["sum_open_interest_value"] for row in rows] == [each["sumOpenInterestValue"] for each in said]
    assert {row["symbol"] for row in rows} == {"BTCUSDT"}
    for column, path, name in (
        ("count_long_short_ratio", "globalLongShortAccountRatio", "longShortRatio"),
        ("count_toptrader_long_short_ratio", "topLongShortAccountRatio", "longShortRatio"),
        ("sum_toptrader_long_short_ratio", "topLongShortPositionRatio", "longShortRatio"),
        ("sum_taker_long_short_vol_ratio", "takerlongshortRatio", "buySellRatio"),
    ):
        told = [float(each[name]) for each in asked.get(f"/futures/data/{path}", params=window).json()]
        assert [float(row[column]) for row in rows] == pytest.approx(told, abs=5.1e-5)


@pytest.mark.parametrize("kind", ["klines", "markPriceKlines"])
@pytest.mark.parametrize(("interval", "count"), [("5m", 288), ("1h", 24)])
def test_bars_equal_rest(asked: httpx.Client, kind: str, interval: str, count: int) -> None:
    day = "2026-07-04"
    names, rows = table_of(asked.get(bars_of(kind, day, interval)), f"BTCUSDT-{interval}-{day}")
    assert names == list(KLINES)
    window = {"symbol": "BTCUSDT", "interval": interval, "startTime": ms(day), "endTime": ms(day) + DAY_MS - 1}
    said = asked.get(f"/fapi/v1/{kind}", params=window | {"limit": 499}).json()
    assert [list(row.values()) for row in rows] == [[str(cell) for cell in each] for each in said]
    assert len(rows) == count


def test_monthly_file_equals_its_days(asked: httpx.Client) -> None:
    _, month = table_of(asked.get(bars_of("markPriceKlines", "2026-06", "1h")), "BTCUSDT-1h-2026-06")
    assert [int(row["open_time"]) for row in month] == list(range(ms("2026-06-01"), ms("2026-07-01"), HOUR_MS))
    _, day = table_of(asked.get(bars_of("markPriceKlines", "2026-06-30", "1h")), "BTCUSDT-1h-2026-06-30")
    assert month[-24:] == day


def test_checksum_matches_the_file(asked: httpx.Client) -> None:
    path = metrics_of("2026-07-04")
    file, said = asked.get(path), asked.get(path + ".CHECKSUM")
    assert said.text == f"{hashlib.sha256(file.content).hexdigest()}  BTCUSDT-metrics-2026-07-04.zip\n"
    assert asked.get(path, params={"x-sha256": "anything"}).content == file.content
    assert (file.headers["content-type"], file.headers["x-simulated"]) == ("application/zip", "1")


def test_files_depend_only_on_the_seed(asked: httpx.Client, clock: list[int]) -> None:
    paths = (metrics_of("2026-07-04"), bars_of("klines", "2026-07-04"))
    with serve(seed=7, now_ms=clock[0] + 9 * DAY_MS) as again, serve(seed=8, now_ms=clock[0]) as other:
        for path in paths:
            first = asked.get(path).content
            assert httpx.get(again.url + path).content == first
            assert httpx.get(other.url + path).content != first


@pytest.mark.parametrize("suffix", ["", ".CHECKSUM"])
@pytest.mark.parametrize(
    ("path", "out"),
    [
        (metrics_of("2026-08-01"), "2026-08-02T04:00"),
        (bars_of("klines", "2026-08-01"), "2026-08-02T04:00"),
        (bars_of("markPriceKlines", "2026-07", "1h"), "2026-08-03T04:00"),
    ],
)
def test_file_is_published_after_its_period(
    asked: httpx.Client, clock: list[int], path: str, out: str, suffix: str
) -> None:
    before = clock[0]
    clock[0] = ms(out) - 1
    early = asked.get(path + suffix)
    clock[0] = ms(out)
    assert (early.status_code, asked.get(path + suffix).status_code) == (404, 200)
    assert "<Code>NoSuchKey</Code>" in early.text
    clock[0] = before


@pytest.mark.parametrize(
    "path",
    [
        metrics_of("2019-12-30"),  # before anything was listed
        metrics_of("2026-07-04", "NOPEUSDT"),
        metrics_of("2026-02-30"),
        metrics_of("2026-07").replace("monthly", "daily"),
        f"{FOLDER}monthly/metrics/BTCUSDT/BTCUSDT-metrics-2026-06.zip",
        f"{FOLDER}daily/metrics/BTCUSDT/ETHUSDT-metrics-2026-07-04.zip",
        bars_of("klines", "2026-07-04", "7m"),
        bars_of("liquidationSnapshot", "2026-07-04"),
        FOLDER,
    ],
)
def test_unknown_file_is_not_found(asked: httpx.Client, path: str) -> None:
    for each in (path, path + ".CHECKSUM"):
        assert asked.get(each).status_code == 404


def test_archive_has_no_history_limit_and_no_weight(asked: httpx.Client, clock: list[int]) -> None:
    window = {"symbol": "BTCUSDT", "period": "5m", "startTime": clock[0] - 35 * DAY_MS}
    assert asked.get("/futures/data/openInterestHist", params=window).status_code == 400
    before = int(asked.get("/fapi/v1/time").headers["X-MBX-USED-WEIGHT-1M"])
    assert asked.get(metrics_of("2026-05-20")).status_code == 200
    assert int(asked.get("/fapi/v1/time").headers["X-MBX-USED-WEIGHT-1M"]) == before + 1


def test_faults_apply_to_files(running: Simulation, asked: httpx.Client) -> None:
    path = metrics_of("2026-07-04")
    whole = asked.get(path).content
    running.faults.add(Fault("truncated", path="metrics.*zip", times=1), Fault("503", path="metrics", times=1))
    assert asked.get(path).content == whole[: len(whole) * 2 // 3]
    assert asked.get(path).status_code == 503
    assert asked.get(path).content == whole


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded market data is not beside the project")
def test_recorded_series_are_archived() -> None:
    """Five-minute marks and ratios were never recorded: no file, and blank cells."""
    day = "2025-12-30"
    with (
        serve(source="recorded", directory=RECORDED, now_ms=ms("2026-01-02"), history_limits=False) as played,
        httpx.Client(base_url=played.url, timeout=60) as client,
    ):
        _, rows = table_of(client.get(metrics_of(day)), f"BTCUSDT-metrics-{day}")
        marks = [client.get(bars_of("markPriceKlines", day, interval)).status_code for interval in ("5m", "1h")]
        window = {"symbol": "BTCUSDT", "period": "5m", "startTime": ms(day) + 1, "endTime": ms(day) + DAY_MS}
        said = client.get("/futures/data/openInterestHist", params=window | {"limit": 500}).json()
    assert [row["sum_open_interest"] for row in rows] == [each["sumOpenInterest"] for each in said]
    assert {row["count_long_short_ratio"] for row in rows} == {""}
    assert marks == [404, 200]
