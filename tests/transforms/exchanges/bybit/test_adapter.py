from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from transforms.exchanges.bybit import adapter as bybit
from transforms.exchanges.protocol import BadPayload, Instrument, Request, Response

Rows = Callable[..., list[dict[str, Any]]]
Payload = Callable[[str, str], Any]
Ask = Callable[[str, str], Request]
Answer = Callable[..., Response]
HOUR = 3_600_000
START = 1790550000000
BTC = Instrument("bybit", "BTCUSDT", "BTC")


def params(request: Request) -> dict[str, str]:
    return dict(request.params)


def test_history_requests_of_an_hour() -> None:
    asked = {request.endpoint: request for request in bybit.history([BTC], START, START + HOUR)}
    assert asked["open_interest_history"].key == (
        "GET /v5/market/open-interest?category=linear&symbol=BTCUSDT&intervalTime=5min"
        "&startTime=1790550300000&endTime=1790553899999&limit=200"
    )
    assert asked["mark_bars"].key == (
        "GET /v5/market/mark-price-kline?category=linear&symbol=BTCUSDT&interval=5"
        "&start=1790550000000&end=1790553599999&limit=1000"
    )
    assert params(asked["account_ratio"])["period"] == "5min"
    assert asked["funding"].path == "/v5/market/funding/history"


def test_hourly_bars_request_hourly_open_interest() -> None:
    asked = {request.endpoint: request for request in bybit.history([BTC], START, START + HOUR, bar_minutes=60)}
    assert params(asked["mark_bars"])["interval"] == params(asked["trade_bars"])["interval"] == "60"
    assert params(asked["open_interest_history"])["intervalTime"] == "1h"


@pytest.mark.parametrize("bar_minutes", [5, 60])
def test_requests_have_both_bounds_within_a_page(bar_minutes: int) -> None:
    steps = {"5": 300_000, "60": HOUR, "5min": 300_000, "1h": HOUR}
    for request in bybit.history([BTC], START - 1000 * HOUR, START, bar_minutes=bar_minutes):
        sent = params(request)
        start, end = sent.get("start") or sent["startTime"], sent.get("end") or sent["endTime"]
        interval = sent.get("interval") or sent.get("intervalTime") or sent.get("period") or "1h"
        assert int(end) - int(start) + 1 <= int(sent["limit"]) * steps[interval]


def test_open_interest_counts_both_sides(rows: Rows) -> None:
    older, newer = rows("bybit", "open_interest_history")
    assert (older["time_ms"], newer["time_ms"]) == (START + 300_000, START + HOUR)
    assert (newer["reported"], newer["sides_counted"], newer["single_sided"]) == (52664.642, 2, 26332.321)
    assert (older["single_sided"], older["reported_unit"], older["reported_usd"]) == (None, "base", None)


def test_single_sided_total_need_not_be_an_exact_half(rows: Rows, payload: Payload) -> None:
    body = payload("bybit", "open_interest_history")
    body["result"]["list"][0] |= {"openInterest": "63910691.00000000", "singleOpenInterest": "31955346"}
    assert rows("bybit", "open_interest_history", body)[1]["single_sided"] == 31955346.0


def test_tickers_hold_usdt_perpetuals_with_mark(rows: Rows) -> None:
    btc, shib = rows("bybit", "tickers")
    assert (btc["instrument"], btc["time_ms"], btc["mark_price"]) == ("BTCUSDT", START + HOUR + 5000, 114898.43)
    assert (btc["reported"], btc["single_sided"], btc["reported_usd"]) == (52664.642, 26332.321, 6051085000.1)
    assert (shib["instrument"], shib["single_sided"], shib["origin"]) == ("SHIB1000USDT", None, "snapshot")


def test_missing_mark_is_null(rows: Rows, payload: Payload) -> None:
    body = payload("bybit", "tickers")
    body["result"]["list"][0]["markPrice"] = ""
    assert rows("bybit", "tickers", body)[0]["mark_price"] is None


def test_empty_bulk_answer_is_refused(rows: Rows, payload: Payload) -> None:
    for endpoint in ("tickers", "instruments", "margin_tiers"):
        body = payload("bybit", endpoint)
        body["result"]["list"] = []
        with pytest.raises(BadPayload, match=endpoint):
            rows("bybit", endpoint, body)


def test_bars_have_no_taker_side(rows: Rows) -> None:
    first, last = rows("bybit", "trade_bars")
    assert (first["open_ms"], first["volume_base"], first["taker_buy_base"]) == (START, 3.0, None)
    assert last["close"] == 17131.64
    assert rows("bybit", "mark_bars")[0]["high"] == 17175.5


def test_missing_volume_is_null(rows: Rows, payload: Payload) -> None:
    body = payload("bybit", "trade_bars")
    body["result"]["list"][0][5] = ""
    assert [each["volume_base"] for each in rows("bybit", "trade_bars", body)] == [3.0, None]


def test_instruments_are_usdt_perpetuals_of_coins(rows: Rows) -> None:
    listed = {each["instrument"]: each for each in rows("bybit", "instruments")}
    assert list(listed) == ["BTCUSDT", "NEWUSDT", "SHIB1000USDT"]
    assert (listed["SHIB1000USDT"]["coin"], listed["SHIB1000USDT"]["unit_multiplier"]) == ("SHIB", 1000.0)
    assert (listed["NEWUSDT"]["status"], listed["NEWUSDT"]["listed_ms"]) == ("suspended", None)
    assert listed["BTCUSDT"]["status"] == "trading"


def test_tiers_are_contiguous(rows: Rows) -> None:
    tiers = rows("bybit", "margin_tiers")
    assert [(each["tier"], each["floor"], each["cap"]) for each in tiers] == [
        (1, 0.0, 300_000.0),
        (2, 300_000.0, 2_000_000.0),
        (3, 2_000_000.0, 2_600_000.0),
    ]
    assert [each["deduction"] for each in tiers] == [0.0, 510.0, 1710.0]
    assert [each["maintenance_rate"] for each in tiers] == [0.0033, 0.005, 0.0056]


def test_rates_in_percent_are_converted(rows: Rows, payload: Payload) -> None:
    body = payload("bybit", "margin_tiers")
    for each in body["result"]["list"]:
        each["maintenanceMargin"] = str(float(each["maintenanceMargin"]) * 100)
        each["initialMargin"] = str(float(each["initialMargin"]) * 100)
    rates = [each["maintenance_rate"] for each in rows("bybit", "margin_tiers", body)]
    assert rates == pytest.approx([0.0033, 0.005, 0.0056])


def test_only_the_first_tier_may_leave_its_deduction_blank(rows: Rows, payload: Payload) -> None:
    body = payload("bybit", "margin_tiers")
    body["result"]["list"][0]["mmDeduction"] = ""
    with pytest.raises(BadPayload, match="mmDeduction"):
        rows("bybit", "margin_tiers", body)


def test_tiers_are_requested_by_symbol_or_all(ask: Ask) -> None:
    named = [params(each).get("symbol") for each in bybit.metadata(["BTC", "SHIB", "PEPE"])[1:]]
    assert named == ["BTCUSDT", "SHIB1000USDT", "1000PEPEUSDT"]
    assert [each.endpoint for each in bybit.metadata(None)] == ["instruments", "margin_tiers"]


def test_another_symbol_or_category_is_refused(rows: Rows, payload: Payload) -> None:
    for change in ({"symbol": "ETHUSDT"}, {"category": "inverse"}):
        body = payload("bybit", "mark_bars")
        body["result"] |= change
        with pytest.raises(BadPayload, match="asked for"):
            rows("bybit", "mark_bars", body)


def test_cursor_is_decoded_once(ask: Ask, answer: Answer, payload: Payload) -> None:
    body = payload("bybit", "open_interest_history")
    body["result"]["list"].pop()
    request = ask("bybit", "open_interest_history")
    following = bybit.next_page(request, answer(body))
    assert following is not None
    assert params(following)["cursor"] == "lastid=19408935&lasttime=1790550300"
    sent = str(httpx.QueryParams(list(following.params)))
    assert sent.endswith("cursor=lastid%3D19408935%26lasttime%3D1790550300")
    again = bybit.next_page(following, answer(body))
    assert again is None


def test_complete_page_is_not_followed(ask: Ask, answer: Answer, payload: Payload) -> None:
    for endpoint in ("open_interest_history", "account_ratio", "funding", "mark_bars"):
        assert bybit.next_page(ask("bybit", endpoint), answer(payload("bybit", endpoint))) is None
    body = payload("bybit", "open_interest_history")
    body["result"]["list"] = []
    assert bybit.next_page(ask("bybit", "open_interest_history"), answer(body)) is None


def test_klines_page_by_their_end(ask: Ask, answer: Answer, payload: Payload) -> None:
    body = payload("bybit", "mark_bars")
    request = ask("bybit", "mark_bars")
    opens = range(START + HOUR - 300_000, START + HOUR - 300_000 - 1000 * 60_000, -60_000)
    body["result"]["list"] = [[str(time), "1", "1", "1", "1"] for time in opens if time > START + 300_000]
    assert bybit.next_page(request, answer(body)) is None  # not full: there is no more
    body["result"]["list"] = (body["result"]["list"] * 30)[:1000]
    following = bybit.next_page(request, answer(body))
    assert following is not None
    assert int(params(following)["end"]) < START + HOUR - 300_000


def test_instruments_may_end_in_an_empty_page(ask: Ask, answer: Answer, payload: Payload) -> None:
    body = payload("bybit", "instruments")
    following = bybit.next_page(ask("bybit", "instruments"), answer(body))
    assert following is not None
    assert params(following) == {"category": "linear", "limit": "1000", "cursor": "first=BTCUSDT&last=XAUUSDT"}
    body["result"] |= {"list": [], "nextPageCursor": ""}
    assert bybit.parse(following, answer(body)) == {"instruments": []}
    assert bybit.next_page(following, answer(body)) is None
