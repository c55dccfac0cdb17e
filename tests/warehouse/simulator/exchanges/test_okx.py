"""OKX's wire format: envelope, exclusive bounds, contracts, history limits."""

from typing import Any

import httpx
import pytest

from warehouse.simulator import Simulation
from warehouse.simulator.market.listing import instrument
from warehouse.simulator.market.source import Interval

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
SWAP = {"instType": "SWAP"}
BITCOIN = {"instId": "BTC-USDT-SWAP"}
RUBIK = "rubik/stat/contracts"


def data(client: httpx.Client, path: str, params: dict[str, Any]) -> list[Any]:
    reply = client.get(f"/api/v5/{path}", params=params)
    body = reply.json()
    assert (reply.status_code, body["code"], body["msg"]) == (200, "0", "")
    return list(body["data"])


def test_open_interest_has_contracts_coins_and_dollars(sim: Simulation, client: httpx.Client, now_ms: int) -> None:
    rows = {row["instId"]: row for row in data(client, "public/open-interest", SWAP)}
    assert "PEPE-USDT-SWAP" in rows
    assert all(list(row) == ["instId", "instType", "oi", "oiCcy", "oiUsd", "ts"] for row in rows.values())
    bitcoin = rows["BTC-USDT-SWAP"]
    truth = sim.market.open_interest_now(instrument("okx", "BTC"), now_ms)
    assert float(bitcoin["oi"]) * 0.01 == pytest.approx(float(bitcoin["oiCcy"])) == pytest.approx(truth.units[0])
    assert float(bitcoin["oiUsd"]) == pytest.approx(float(truth.units[0] * truth.price[0]))
    assert bitcoin["ts"] == str(now_ms)


def test_history_is_labelled_with_the_opening_of_its_period(sim: Simulation, client: httpx.Client, now_ms: int) -> None:
    rows = data(client, f"{RUBIK}/open-interest-history", BITCOIN | {"period": "1H"})
    assert len(rows) == 100
    assert all(len(row) == 4 and all(isinstance(value, str) for value in row) for row in rows)
    opened = [int(row[0]) for row in rows]
    assert opened == list(range(opened[0], opened[0] - 100 * HOUR_MS, -HOUR_MS))
    assert opened[0] + HOUR_MS <= now_ms < opened[0] + 2 * HOUR_MS
    first, last = opened[-1] + HOUR_MS, opened[0] + HOUR_MS
    truth = sim.market.open_interest(instrument("okx", "BTC"), Interval(HOUR_MS), first, last)
    assert [float(row[2]) for row in rows] == pytest.approx(truth.units[::-1].tolist())
    assert [float(row[1]) for row in rows] == pytest.approx((truth.units[::-1] / 0.01).tolist())


def test_bounds_are_exclusive(client: httpx.Client) -> None:
    path, asked = f"{RUBIK}/open-interest-history", BITCOIN | {"period": "1H"}
    rows = data(client, path, asked)
    assert data(client, path, asked | {"begin": rows[9][0], "end": rows[4][0]}) == rows[5:9]
    assert data(client, path, asked | {"begin": rows[9][0], "limit": 3}) == rows[:3]
    bars = data(client, "market/candles", BITCOIN | {"bar": "1H"})
    assert (
        data(client, "market/candles", BITCOIN | {"bar": "1H", "before": bars[9][0], "after": bars[4][0]}) == bars[5:9]
    )


@pytest.mark.parametrize(
    ("path", "params", "older", "entries"),
    [
        (f"{RUBIK}/open-interest-history", BITCOIN | {"period": "1H"}, "end", 1440),
        (f"{RUBIK}/long-short-account-ratio-contract", BITCOIN | {"period": "5m"}, "end", 1440),
        ("rubik/stat/taker-volume-contract", BITCOIN | {"period": "5m"}, "end", 1440),
        ("market/candles", BITCOIN | {"bar": "5m", "limit": "300"}, "after", 1440),
        ("market/mark-price-candles", BITCOIN | {"bar": "5m"}, "after", 1440),
    ],
)
def test_paging_back_ends_at_the_history_limit(
    client: httpx.Client, path: str, params: dict[str, str], older: str, entries: int
) -> None:
    rows: list[Any] = []
    page = data(client, path, params)
    while page:
        rows += page
        page = data(client, path, params | {older: page[-1][0]})
    opened = [int(row[0]) for row in rows]
    assert len(rows) == entries
    assert opened == sorted(set(opened), reverse=True)


@pytest.mark.parametrize(
    ("path", "columns", "largest"),
    [
        ("market/candles", 9, 300),
        ("market/history-candles", 9, 100),
        ("market/mark-price-candles", 6, 100),
        ("market/history-mark-price-candles", 6, 100),
    ],
)
def test_open_bar_is_not_confirmed(client: httpx.Client, now_ms: int, path: str, columns: int, largest: int) -> None:
    rows = data(client, path, BITCOIN | {"bar": "1H", "limit": "999"})
    assert len(rows) == largest
    assert all(len(row) == columns and all(isinstance(value, str) for value in row) for row in rows)
    assert int(rows[0][0]) <= now_ms < int(rows[0][0]) + HOUR_MS
    assert [row[-1] for row in rows] == ["0"] + ["1"] * (largest - 1)


def test_volume_is_in_contracts_then_coins_then_dollars(client: httpx.Client) -> None:
    for row in data(client, "market/candles", BITCOIN | {"bar": "1H", "limit": "5"}):
        assert float(row[5]) * 0.01 == pytest.approx(float(row[6]), abs=1e-4)
        assert float(row[6]) * float(row[4]) == pytest.approx(float(row[7]), rel=0.02)


def test_days_begin_in_china_unless_named_utc(client: httpx.Client) -> None:
    for bar, hour in (("1D", 16), ("1Dutc", 0)):
        rows = data(client, "market/history-mark-price-candles", BITCOIN | {"bar": bar, "limit": "3"})
        assert {int(row[0]) % DAY_MS // HOUR_MS for row in rows} == {hour}
    rows = data(client, f"{RUBIK}/open-interest-history", BITCOIN | {"period": "1D", "limit": "3"})
    assert {int(row[0]) % DAY_MS // HOUR_MS for row in rows} == {16}


def test_taker_volume_has_sells_first_in_contracts(sim: Simulation, client: httpx.Client) -> None:
    path, asked = "rubik/stat/taker-volume-contract", BITCOIN | {"period": "1H", "limit": "2"}
    row = data(client, path, asked)[0]
    coins = data(client, path, asked | {"unit": "0"})[0]
    end = int(row[0]) + HOUR_MS
    truth = sim.market.flow(instrument("okx", "BTC"), Interval(HOUR_MS), end, end)
    assert [float(coins[1]), float(coins[2])] == pytest.approx([truth.sell[0], truth.buy[0]])
    assert float(row[1]) == pytest.approx(float(coins[1]) / 0.01)


def test_tiers_are_in_contracts_and_unsorted(client: httpx.Client) -> None:
    params = SWAP | {"tdMode": "isolated", "instFamily": "BTC-USDT,PEPE-USDT"}
    rows = [row for row in data(client, "public/position-tiers", params) if row["instFamily"] == "BTC-USDT"]
    assert [row["tier"] for row in rows][:3] == ["1", "10", "11"]
    tiers = {row["tier"]: row for row in rows}
    assert tiers["1"] == {
        "baseMaxLoan": "",
        "imr": "0.01",
        "instFamily": "BTC-USDT",
        "instId": "",
        "maxLever": "100",
        "maxSz": "1000",
        "minSz": "0",
        "mmr": "0.004",
        "optMgnFactor": "0",
        "quoteMaxLoan": "",
        "tier": "1",
        "uly": "BTC-USDT",
    }
    assert (tiers["2"]["minSz"], tiers["2"]["maxSz"], tiers["2"]["maxLever"]) == ("1000.01", "5000", "66.66")
    six = ",".join(["BTC-USDT"] * 6)
    refused = client.get("/api/v5/public/position-tiers", params=SWAP | {"tdMode": "isolated", "instFamily": six})
    assert refused.json()["code"] == "51000"


def test_liquidations_cover_one_day(sim: Simulation, client: httpx.Client, now_ms: int) -> None:
    asked = SWAP | {"state": "filled", "instFamily": "BTC-USDT"}
    rows: list[dict[str, str]] = []
    page = data(client, "public/liquidation-orders", asked | {"limit": "20"})
    while page:
        details = page[0]["details"]
        assert len(details) <= 20
        rows += [row for row in details if row not in rows]
        # one ms after the oldest, as several may share a time; ends when a page has nothing new
        older = int(details[-1]["ts"]) + (1 if details[0]["ts"] != details[-1]["ts"] else 0)
        page = data(client, "public/liquidation-orders", asked | {"limit": "20", "after": older})
        if page and all(row in rows for row in page[0]["details"]):
            break
    truth = sim.market.realised_liquidations("okx", "BTC", now_ms - DAY_MS, now_ms + 1).reverse()
    assert [int(row["ts"]) for row in rows] == truth["ts_ms"].to_list()
    assert [float(row["sz"]) * 0.01 for row in rows] == pytest.approx(truth["base"].to_list())
    assert [row["posSide"] for row in rows] == truth["side"].to_list()
    assert all(row["side"] == {"long": "sell", "short": "buy"}[row["posSide"]] for row in rows)
    assert [float(row["bkPx"]) for row in rows] == pytest.approx(truth["bankruptcy_price"].to_list(), abs=0.06)


def test_current_prices_agree(client: httpx.Client, now_ms: int) -> None:
    mark = {row["instId"]: row for row in data(client, "public/mark-price", SWAP)}
    index = {row["instId"]: row for row in data(client, "market/index-tickers", {"quoteCcy": "USDT"})}
    last = {row["instId"]: row for row in data(client, "market/tickers", SWAP)}
    assert set(mark) == set(last) == {f"{name}-SWAP" for name in index}
    row = mark["BTC-USDT-SWAP"]
    assert row == {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "markPx": row["markPx"], "ts": str(now_ms)}
    assert float(row["markPx"]) == pytest.approx(float(index["BTC-USDT"]["idxPx"]), rel=0.005)


def test_funding_covers_three_months(client: httpx.Client) -> None:
    rows = data(client, "public/funding-rate-history", BITCOIN)
    assert 270 < len(rows) <= 277  # three months
    assert {"fundingRate", "realizedRate", "fundingTime", "method", "formulaType"} < set(rows[0])
    assert len(data(client, "public/funding-rate", BITCOIN)) == 1


def test_contracts_have_their_sizes(client: httpx.Client) -> None:
    rows = {row["instId"]: row for row in data(client, "public/instruments", SWAP)}
    assert [rows[f"{coin}-USDT-SWAP"]["ctVal"] for coin in ("BTC", "ETH", "SOL", "DOGE")] == [
        "0.01",
        "0.1",
        "1",
        "1000",
    ]
    assert all(row["state"] == "live" and row["ctType"] == "linear" for row in rows.values())
    assert data(client, "public/instruments", {"instType": "FUTURES"}) == []


def test_aggregate_of_a_coin_has_thirty_days(client: httpx.Client) -> None:
    rows = data(client, f"{RUBIK}/open-interest-volume", {"ccy": "BTC", "period": "1H"})
    assert 718 < len(rows) <= 720
    assert all(len(row) == 3 for row in rows)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("public/mark-price?instType=SWAP&instId=NOPE", 200, "51001"),
        ("market/candles?instId=NOPE", 200, "51001"),
        ("market/candles", 400, "50014"),
        ("market/candles?instId=BTC-USDT-SWAP&bar=7m", 200, "51000"),
        ("public/open-interest", 400, "50014"),
        ("public/open-interest?instType=NOPE", 200, "51000"),
        ("public/liquidation-orders?instType=SWAP", 400, "50014"),
        ("unheard-of", 404, "404"),
    ],
)
def test_invalid_request_returns_its_error_code(client: httpx.Client, path: str, status: int, code: str) -> None:
    reply = client.get(f"/api/v5/{path}")
    assert (reply.status_code, reply.json()["code"]) == (status, code)


def test_status_and_time_are_served(client: httpx.Client, now_ms: int) -> None:
    assert data(client, "system/status", {}) == []
    assert data(client, "public/time", {}) == [{"ts": str(now_ms)}]
