"""Binance's wire format: documented types, pages, history limits, errors."""

from typing import Any

import httpx
import numpy as np
import pytest

from warehouse.simulator import Simulation
from warehouse.simulator.market.listing import instrument
from warehouse.simulator.market.source import Interval

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

# Types of the documented examples: text or number.
DOCUMENTED: dict[str, Any] = {
    "/fapi/v1/openInterest?symbol=BTCUSDT": {"openInterest": "1", "symbol": "BTCUSDT", "time": 1},
    "/futures/data/openInterestHist?symbol=BTCUSDT&period=5m": [
        {"symbol": "", "sumOpenInterest": "", "sumOpenInterestValue": "", "CMCCirculatingSupply": "", "timestamp": 1}
    ],
    "/fapi/v1/premiumIndex?symbol=BTCUSDT": {
        "symbol": "",
        "markPrice": "",
        "indexPrice": "",
        "estimatedSettlePrice": "",
        "lastFundingRate": "",
        "interestRate": "",
        "nextFundingTime": 1,
        "time": 1,
    },
    "/fapi/v1/klines?symbol=BTCUSDT&interval=5m": [[1, "", "", "", "", "", 1, "", 1, "", "", "0"]],
    "/fapi/v1/markPriceKlines?symbol=BTCUSDT&interval=1h": [[1, "", "", "", "", "0", 1, "0", 60, "0", "0", "0"]],
    "/fapi/v1/indexPriceKlines?pair=BTCUSDT&interval=1h": [[1, "", "", "", "", "0", 1, "0", 60, "0", "0", "0"]],
    "/fapi/v1/premiumIndexKlines?symbol=BTCUSDT&interval=1h": [[1, "", "", "", "", "0", 1, "0", 60, "0", "0", "0"]],
    "/fapi/v1/continuousKlines?pair=BTCUSDT&contractType=PERPETUAL&interval=1h": [
        [1, "", "", "", "", "", 1, "", 1, "", "", "0"]
    ],
    "/fapi/v1/fundingRate?symbol=BTCUSDT": [
        {"symbol": "", "fundingRate": "", "fundingTime": 1, "markPrice": "", "rateType": "Regular"}
    ],
    "/futures/data/globalLongShortAccountRatio?symbol=BTCUSDT&period=5m": [
        {"symbol": "", "longShortRatio": "", "longAccount": "", "shortAccount": "", "timestamp": ""}
    ],
    "/futures/data/topLongShortAccountRatio?symbol=BTCUSDT&period=5m": [
        {"symbol": "", "longShortRatio": "", "longAccount": "", "shortAccount": "", "timestamp": ""}
    ],
    "/futures/data/topLongShortPositionRatio?symbol=BTCUSDT&period=5m": [
        {"symbol": "", "longShortRatio": "", "longAccount": "", "shortAccount": "", "timestamp": ""}
    ],
    "/futures/data/takerlongshortRatio?symbol=BTCUSDT&period=5m": [
        {"buySellRatio": "", "buyVol": "", "sellVol": "", "timestamp": ""}
    ],
    "/fapi/v1/time": {"serverTime": 1},
    "/fapi/v1/ping": {},
    "/sapi/v1/system/status": {"status": 0, "msg": "normal"},
}


def shape(value: Any) -> Any:
    """Return the types of a body; a list is represented by its first item."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], list | dict):
        return [shape(value[0])]
    return [shape(part) for part in value] if isinstance(value, list) else type(value).__name__


@pytest.mark.parametrize("path", DOCUMENTED)
def test_types_match_the_documentation(client: httpx.Client, path: str) -> None:
    reply = client.get(path)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-simulated"] == "1"
    assert int(reply.headers["X-MBX-USED-WEIGHT-1M"]) >= 0
    assert shape(reply.json()) == shape(DOCUMENTED[path])


def walk(client: httpx.Client, path: str, params: dict[str, Any], label: Any, start: int, end: int) -> list[Any]:
    rows: list[Any] = []
    while page := client.get(path, params=params | {"startTime": start, "endTime": end}).json():
        rows += page
        start = int(page[-1][label]) + 1
    return rows


def test_open_interest_pages_equal_the_market(sim: Simulation, client: httpx.Client, now_ms: int) -> None:
    start, end = now_ms - 3 * DAY_MS, now_ms
    params = {"symbol": "BTCUSDT", "period": "5m", "limit": 100}
    rows = walk(client, "/futures/data/openInterestHist", params, "timestamp", start, end)
    truth = sim.market.open_interest(instrument("binance", "BTC"), Interval(5 * MINUTE_MS), start, end)
    assert [row["timestamp"] for row in rows] == truth.ts_ms.tolist()
    assert [float(row["sumOpenInterest"]) for row in rows] == pytest.approx(truth.units.tolist(), abs=1e-8)
    value = [float(row["sumOpenInterestValue"]) / float(row["sumOpenInterest"]) for row in rows]
    assert value == pytest.approx(truth.price.tolist(), rel=1e-9)


def test_kline_pages_equal_one_page_and_last_bar_is_partial(client: httpx.Client, now_ms: int) -> None:
    params = {"symbol": "BTCUSDT", "interval": "5m"}
    whole = client.get("/fapi/v1/klines", params=params | {"limit": 1500}).json()
    paged = walk(client, "/fapi/v1/klines", params | {"limit": 99}, 0, whole[0][0], now_ms)
    assert paged == whole
    assert len(whole) == 1500
    assert whole[-1][0] <= now_ms < whole[-1][6]
    assert all(row[6] - row[0] == 5 * MINUTE_MS - 1 for row in whole)
    volume, bought = (np.array([float(row[column]) for row in whole]) for column in (5, 9))
    assert (bought >= 0).all()
    assert (bought <= volume).all()
    assert float(whole[-1][5]) < np.median(volume)


def test_end_time_is_inclusive_by_open_time(client: httpx.Client) -> None:
    params = {"symbol": "BTCUSDT", "interval": "1h", "limit": 2, "endTime": 1_764_543_600_000}
    assert [row[0] for row in client.get("/fapi/v1/klines", params=params).json()] == [
        1_764_540_000_000,
        1_764_543_600_000,
    ]


def test_mark_bars_follow_the_mark(sim: Simulation, client: httpx.Client) -> None:
    params = {"symbol": "BTCUSDT", "interval": "1h", "limit": 24}
    contract = instrument("binance", "BTC")
    for opened, first, high, low, last, *_ in client.get("/fapi/v1/markPriceKlines", params=params).json()[:-1]:
        inside = sim.market.price_at(contract, "mark", np.arange(opened, opened + HOUR_MS + 1, 20_000))
        assert float(first) == pytest.approx(inside[0])
        assert float(last) == pytest.approx(inside[-1])
        assert (float(low), float(high)) == pytest.approx((inside.min(), inside.max()))


def test_taker_volume_of_ratio_and_bars_agree(client: httpx.Client) -> None:
    ratio = client.get("/futures/data/takerlongshortRatio?symbol=BTCUSDT&period=1h&limit=1").json()[0]
    opened = int(ratio["timestamp"]) - HOUR_MS  # labelled with the end of the period
    params = {"symbol": "BTCUSDT", "interval": "1h", "startTime": opened, "limit": 1}
    bar = client.get("/fapi/v1/klines", params=params).json()[0]
    assert float(ratio["buyVol"]) == pytest.approx(float(bar[9]))
    assert float(ratio["buyVol"]) + float(ratio["sellVol"]) == pytest.approx(float(bar[5]))


def test_history_older_than_thirty_days_is_refused(client: httpx.Client, now_ms: int) -> None:
    params = {"symbol": "BTCUSDT", "period": "1h", "limit": 1}
    path = "/futures/data/openInterestHist"
    assert client.get(path, params=params | {"startTime": now_ms - 30 * DAY_MS}).status_code == 200
    refused = client.get(path, params=params | {"startTime": now_ms - 35 * DAY_MS})
    assert refused.status_code == 400
    assert refused.json() == {"msg": "parameter 'startTime' is invalid.", "code": -1130}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/fapi/v1/openInterest?symbol=NOPE", 400, -1121),
        ("/fapi/v1/openInterest", 400, -1102),
        ("/fapi/v1/klines?symbol=BTCUSDT&interval=5m&limit=1501", 400, -1130),
        ("/futures/data/openInterestHist?symbol=BTCUSDT&period=5m&limit=501", 400, -1130),
        ("/fapi/v1/klines?symbol=BTCUSDT&interval=7m", 400, -1120),
        ("/futures/data/openInterestHist?symbol=BTCUSDT&period=7m", 400, -1130),
        ("/fapi/v1/klines?symbol=BTCUSDT&interval=5m&startTime=x", 400, -1130),
        ("/fapi/v1/leverageBracket", 401, -2014),
        ("/fapi/v1/allForceOrders", 404, -5000),
        ("/fapi/v1/unheard-of", 404, -5000),
    ],
)
def test_invalid_request_returns_its_error_code(client: httpx.Client, path: str, status: int, code: int) -> None:
    reply = client.get(path)
    assert (reply.status_code, reply.json()["code"]) == (status, code)


def test_funding_from_start_zero_is_the_latest_record(client: httpx.Client, now_ms: int) -> None:
    rows = client.get("/fapi/v1/fundingRate?symbol=BTCUSDT&startTime=0").json()
    assert len(rows) == 1
    assert now_ms - 8 * HOUR_MS < rows[0]["fundingTime"] <= now_ms
    latest = client.get("/fapi/v1/fundingRate?symbol=BTCUSDT&limit=5").json()
    assert [row["fundingTime"] // MINUTE_MS * MINUTE_MS % (8 * HOUR_MS) for row in latest] == [0] * 5


def test_brackets_and_metadata_name_the_same_contracts(client: httpx.Client) -> None:
    info = client.get("/fapi/v1/exchangeInfo").json()
    body = client.post("/bapi/futures/v1/friendly/future/common/brackets", json={}).json()
    assert (body["code"], body["success"]) == ("000000", True)
    names = {row["symbol"] for row in body["data"]["brackets"]}
    assert names == {row["symbol"] for row in info["symbols"]}
    assert {"BTCUSDT", "1000PEPEUSDT"} < names
    assert len(names) > 35
    bitcoin = next(row["riskBrackets"] for row in body["data"]["brackets"] if row["symbol"] == "BTCUSDT")
    assert bitcoin[3] == {
        "bracketSeq": 4,
        "bracketNotionalFloor": 3_000_000,
        "bracketNotionalCap": 12_000_000,
        "bracketMaintenanceMarginRate": 0.01,
        "cumFastMaintenanceAmount": 12_000,
        "minOpenPosLeverage": 26,
        "maxOpenPosLeverage": 50,
    }
    assert [row["cumFastMaintenanceAmount"] for row in bitcoin][-1] == 421_482_000


def test_premium_index_returns_all_contracts(client: httpx.Client) -> None:
    rows = client.get("/fapi/v1/premiumIndex").json()
    assert len(rows) > 35
    for row in rows:
        assert abs(float(row["markPrice"]) / float(row["indexPrice"]) - 1) < 0.01


def test_weights_are_counted(client: httpx.Client) -> None:
    before = int(client.get("/fapi/v1/time").headers["X-MBX-USED-WEIGHT-1M"])
    after = int(client.get("/fapi/v1/premiumIndex").headers["X-MBX-USED-WEIGHT-1M"])
    assert after == before + 10
