"""Bybit's wire format: envelope, newest first, both sides, cursors."""

from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from warehouse.simulator import Simulation
from warehouse.simulator.market.listing import instrument
from warehouse.simulator.market.source import Interval

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
LINEAR = {"category": "linear", "symbol": "BTCUSDT"}


def result(client: httpx.Client, path: str, params: dict[str, Any]) -> dict[str, Any]:
    reply = client.get(f"/v5/market/{path}", params=params)
    body = reply.json()
    assert reply.status_code == 200
    assert list(body) == ["retCode", "retMsg", "result", "retExtInfo", "time"]
    assert (body["retCode"], body["retMsg"], body["retExtInfo"]) == (0, "OK", {})
    assert int(reply.headers["X-Bapi-Limit-Status"]) <= int(reply.headers["X-Bapi-Limit"])
    assert int(reply.headers["X-Bapi-Limit-Reset-Timestamp"]) > body["time"]
    return dict(body["result"])


def texts(row: dict[str, Any] | list[Any]) -> bool:
    return all(isinstance(value, str) for value in (row.values() if isinstance(row, dict) else row))


def test_open_interest_counts_both_sides_newest_first(sim: Simulation, client: httpx.Client, now_ms: int) -> None:
    found = result(client, "open-interest", LINEAR | {"intervalTime": "1h"})
    assert (found["symbol"], found["category"], len(found["list"])) == ("BTCUSDT", "linear", 50)
    stamps = [int(row["timestamp"]) for row in found["list"]]
    assert stamps == sorted(stamps, reverse=True)
    assert now_ms - HOUR_MS < stamps[0] <= now_ms
    for row in found["list"]:
        assert texts(row)
        assert float(row["openInterest"]) == pytest.approx(2 * float(row["singleOpenInterest"]), abs=1e-9)
    truth = sim.market.open_interest(instrument("bybit", "BTC"), Interval(HOUR_MS), stamps[-1], stamps[0])
    assert [float(row["singleOpenInterest"]) for row in found["list"]] == pytest.approx(truth.units[::-1].tolist())


def test_start_without_end_is_ignored(client: httpx.Client, now_ms: int) -> None:
    asked = LINEAR | {"intervalTime": "1h", "limit": 10}
    assert result(client, "open-interest", asked | {"startTime": now_ms - 90 * DAY_MS}) == result(
        client, "open-interest", asked
    )


def test_cursors_cover_the_whole_range(client: httpx.Client, now_ms: int) -> None:
    start, end = now_ms - 5 * DAY_MS, now_ms - DAY_MS
    asked = LINEAR | {"intervalTime": "30min", "startTime": start, "endTime": end}
    rows, cursor = [], ""
    while True:
        page = result(client, "open-interest", asked | {"limit": 37} | ({"cursor": cursor} if cursor else {}))
        rows += page["list"]
        if not page["nextPageCursor"]:
            break
        assert "%3D" in page["nextPageCursor"]
        cursor = unquote(page["nextPageCursor"])
    unpaged = result(client, "open-interest", asked | {"limit": 200})
    assert len(rows) == 192
    assert rows[:200] == unpaged["list"]
    assert unpaged["nextPageCursor"] == ""


def test_doubly_encoded_cursor_is_refused(client: httpx.Client) -> None:
    asked = LINEAR | {"intervalTime": "1h", "limit": 2}
    cursor = result(client, "open-interest", asked)["nextPageCursor"]
    body = client.get("/v5/market/open-interest", params=asked | {"cursor": cursor}).json()
    assert body["retCode"] == 10001


def test_page_size_is_capped(client: httpx.Client) -> None:
    assert len(result(client, "open-interest", LINEAR | {"intervalTime": "1h", "limit": 999})["list"]) == 200
    assert len(result(client, "kline", LINEAR | {"interval": "60", "limit": 9999})["list"]) == 1000
    assert len(result(client, "account-ratio", LINEAR | {"period": "1h", "limit": 999})["list"]) == 500


@pytest.mark.parametrize(("path", "columns"), [("kline", 7), ("mark-price-kline", 5), ("index-price-kline", 5)])
def test_bars_are_lists_of_text_newest_first(client: httpx.Client, now_ms: int, path: str, columns: int) -> None:
    rows = result(client, path, LINEAR | {"interval": "60"})["list"]
    assert len(rows) == 200
    assert all(len(row) == columns and texts(row) for row in rows)
    opened = [int(row[0]) for row in rows]
    assert opened == list(range(opened[0], opened[0] - 200 * HOUR_MS, -HOUR_MS))
    assert opened[0] <= now_ms < opened[0] + HOUR_MS
    assert all(float(row[3]) <= min(float(row[1]), float(row[4])) for row in rows)
    inside = result(client, path, LINEAR | {"interval": "60", "start": opened[20], "end": opened[10]})["list"]
    assert inside == rows[10:21]


def test_account_ratio_sums_to_one(client: httpx.Client) -> None:
    found = result(client, "account-ratio", LINEAR | {"period": "1h", "limit": 3})
    assert list(found["list"][0]) == ["symbol", "buyRatio", "sellRatio", "timestamp"]
    assert all(float(row["buyRatio"]) + float(row["sellRatio"]) == pytest.approx(1) for row in found["list"])
    assert "lasttime%3D" in found["nextPageCursor"]


def test_funding_history_requires_an_end(client: httpx.Client, now_ms: int) -> None:
    rows = result(client, "funding/history", LINEAR)["list"]
    assert len(rows) == 200
    assert list(rows[0]) == ["symbol", "fundingRate", "fundingRateTimestamp"]
    assert int(rows[0]["fundingRateTimestamp"]) > int(rows[1]["fundingRateTimestamp"])
    refused = client.get("/v5/market/funding/history", params=LINEAR | {"startTime": now_ms - DAY_MS}).json()
    assert refused["retCode"] == 10001


def test_tickers_return_all_contracts(sim: Simulation, client: httpx.Client, now_ms: int) -> None:
    rows = {row["symbol"]: row for row in result(client, "tickers", {"category": "linear"})["list"]}
    assert {"BTCUSDT", "1000PEPEUSDT", "SHIB1000USDT"} < set(rows)
    assert all(texts(row) for row in rows.values())
    bitcoin = rows["BTCUSDT"]
    truth = float(sim.market.open_interest_now(instrument("bybit", "BTC"), now_ms).units[0])
    assert float(bitcoin["singleOpenInterest"]) == pytest.approx(truth)
    assert float(bitcoin["openInterest"]) == pytest.approx(2 * truth)
    assert float(bitcoin["openInterestValue"]) == pytest.approx(2 * truth * float(bitcoin["markPrice"]), rel=1e-5)
    assert result(client, "tickers", {"category": "inverse"})["list"] == []


@pytest.mark.parametrize(("path", "size"), [("instruments-info", 10), ("risk-limit", 15)])
def test_contracts_are_paged(client: httpx.Client, path: str, size: int) -> None:
    pages, cursor = [], ""
    while True:
        sent = {"category": "linear", "limit": "10"} | ({"cursor": unquote(cursor)} if cursor else {})
        page = result(client, path, sent)
        pages.append(list(dict.fromkeys(row["symbol"] for row in page["list"])))
        cursor = page["nextPageCursor"]
        if not cursor:
            break
    assert all(len(page) == size for page in pages[:-1])
    named = [symbol for page in pages for symbol in page]
    whole = result(client, "instruments-info", {"category": "linear"})
    assert named == [row["symbol"] for row in whole["list"]]
    assert whole["nextPageCursor"] == ""


def test_risk_limits_are_fractions_and_the_first_deduction_is_empty(client: httpx.Client) -> None:
    rows = result(client, "risk-limit", LINEAR)["list"]
    assert {"riskLimitValue": "300000", "maintenanceMargin": "0.0033", "initialMargin": "0.0066"}.items() <= rows[
        0
    ].items()
    assert (rows[0]["isLowestRisk"], rows[0]["maxLeverage"], rows[0]["mmDeduction"]) == (1, "150.00", "")
    assert (rows[1]["riskLimitValue"], rows[1]["maintenanceMargin"], rows[1]["mmDeduction"]) == (
        "2000000",
        "0.005",
        "510",
    )
    assert len(rows) == 36


@pytest.mark.parametrize(
    "path",
    [
        "open-interest?category=linear&symbol=NOPE&intervalTime=1h",
        "open-interest?category=linear&symbol=BTCUSDT&intervalTime=7h",
        "kline?category=linear&symbol=NOPE&interval=60",
        "open-interest?category=linear&symbol=BTCUSDT&intervalTime=1h&startTime=9&endTime=8",
        "tickers?category=none",
        "tickers",
    ],
)
def test_refusals_have_status_200(client: httpx.Client, path: str) -> None:
    reply = client.get(f"/v5/market/{path}")
    assert (reply.status_code, reply.json()["retCode"]) == (200, 10001)


def test_status_and_time_are_served(client: httpx.Client, now_ms: int) -> None:
    assert client.get("/v5/system/status").json()["result"] == {"list": []}
    assert result(client, "time", {})["timeSecond"] == str(now_ms // 1000)
