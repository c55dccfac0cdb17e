from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from transforms.exchanges.okx import adapter as okx
from transforms.exchanges.protocol import BadPayload, Instrument, Request, Response

Rows = Callable[..., list[dict[str, Any]]]
Payload = Callable[[str, str], Any]
Ask = Callable[[str, str], Request]
Answer = Callable[..., Response]
HOUR = 3_600_000
START = 1790550000000
BTC = Instrument("okx", "BTC-USDT-SWAP", "BTC", contract_base=0.01, family="BTC-USDT")


def params(request: Request) -> dict[str, str]:
    return dict(request.params)


def test_history_requests_of_an_hour() -> None:
    asked = {request.endpoint: request for request in okx.history([BTC], START, START + HOUR)}
    assert asked["open_interest_history"].key == (
        "GET /api/v5/rubik/stat/contracts/open-interest-history?instId=BTC-USDT-SWAP&period=5m"
        "&begin=1790549999999&end=1790553300001&limit=100"
    )
    assert asked["mark_bars"].key == (
        "GET /api/v5/market/history-mark-price-candles?instId=BTC-USDT-SWAP&bar=5m"
        "&after=1790553300001&before=1790549999999&limit=100"
    )
    assert params(asked["taker_volume"])["unit"] == "0"
    assert asked["liquidations"].key == (
        "GET /api/v5/public/liquidation-orders?instType=SWAP&state=filled&instFamily=BTC-USDT"
        "&after=1790553600001&before=1790550000000&limit=100"
    )
    assert params(asked["funding"])["limit"] == "400"
    assert {each.budget for each in asked.values()} <= {budget.name for budget in okx.BUDGETS}


def test_hourly_bars_leave_open_interest_at_five_minutes() -> None:
    asked = {request.endpoint: request for request in okx.history([BTC], START, START + HOUR, bar_minutes=60)}
    assert params(asked["mark_bars"])["bar"] == params(asked["taker_volume"])["period"] == "1H"
    assert params(asked["open_interest_history"])["period"] == "5m"
    assert params(asked["mark_bars"]) | {"after": "", "before": ""} == {
        "instId": "BTC-USDT-SWAP",
        "bar": "1H",
        "after": "",
        "before": "",
        "limit": "100",
    }


def test_requests_fit_the_page_limit() -> None:
    steps = {"5m": 300_000, "1H": HOUR}
    for request in okx.history([BTC], START - 500 * HOUR, START):
        sent = params(request)
        if request.endpoint in ("funding", "liquidations"):
            continue
        newer, older = int(sent.get("begin") or sent["before"]), int(sent.get("end") or sent["after"])
        step = steps[sent.get("bar") or sent["period"]]
        inside = [time for time in range(START - 500 * HOUR, START, step) if newer < time < older]
        assert 0 < len(inside) <= int(sent["limit"])


def test_tiers_are_requested_for_five_families_at_once() -> None:
    coins = ["BTC", "ETH", "SOL", "XRP", "DOGE", "SHIB"]
    assert [params(each).get("instFamily") for each in okx.metadata(coins)] == [
        None,
        "BTC-USDT,ETH-USDT,SOL-USDT,XRP-USDT,DOGE-USDT",
        "SHIB-USDT",
    ]
    assert [each.endpoint for each in okx.metadata(None)] == ["instruments"]


def test_open_interest_is_in_contracts_with_unknown_sides(rows: Rows) -> None:
    (now,) = rows("okx", "open_interest")
    assert (now["instrument"], now["reported"], now["reported_unit"]) == ("BTC-USDT-SWAP", 2962556.0, "contracts")
    assert (now["sides_counted"], now["reported_base"], now["reported_usd"]) == (None, 29645.9406, 2496890807.0)
    assert (now["time_ms"], now["origin"]) == (START + HOUR + 5000, "snapshot")


def test_history_is_timed_at_the_end_of_its_period(rows: Rows) -> None:
    older, newer = rows("okx", "open_interest_history")
    assert (older["time_ms"], newer["time_ms"]) == (START + 300_000, START + HOUR)
    assert (older["reported"], older["reported_base"], older["reported_usd"]) == (
        2800476.45,
        28006.5419,
        2360916466.88,
    )
    assert [each["time_ms"] for each in rows("okx", "account_ratio")] == [START + 300_000, START + HOUR]


def test_unfinished_period_is_excluded(rows: Rows) -> None:
    assert len(rows("okx", "open_interest_history", received_ms=START + HOUR - 1)) == 1


def test_missing_usd_is_null_and_missing_coins_are_refused(rows: Rows, payload: Payload) -> None:
    body = payload("okx", "open_interest")
    del body["data"][0]["oiUsd"]
    assert rows("okx", "open_interest", body)[0]["reported_usd"] is None
    body["data"][0]["oiCcy"] = ""
    with pytest.raises(BadPayload, match="row 0: oiCcy"):
        rows("okx", "open_interest", body)


def test_taker_volume_has_sells_first(rows: Rows) -> None:
    first, last = rows("okx", "taker_volume")
    assert (first["taker_sell_base"], first["taker_buy_base"]) == (0.4, 0.6)
    assert (last["open_ms"], last["interval_minutes"]) == (START + HOUR - 300_000, 5)


def test_trade_volume_is_in_coins(rows: Rows) -> None:
    assert [each["volume_base"] for each in rows("okx", "trade_bars")] == [1.0, 125.0]
    assert [each["taker_buy_base"] for each in rows("okx", "trade_bars")] == [None, None]


def test_unconfirmed_candles_are_dropped(rows: Rows, payload: Payload) -> None:
    for endpoint in ("mark_bars", "trade_bars"):
        body = payload("okx", endpoint)
        body["data"][0][-1] = "0"
        assert [each["open_ms"] for each in rows("okx", endpoint, body)] == [START]
        body["data"][0][-1] = "2"
        with pytest.raises(BadPayload, match="confirm"):
            rows("okx", endpoint, body)


def test_ratios_become_shares(rows: Rows) -> None:
    first, second = rows("okx", "top_position_ratio")
    assert first["top_long_position_share"] == 0.6
    assert second["top_long_position_share"] == pytest.approx(0.62454, abs=1e-5)
    assert first["long_account_share"] is first["funding_rate"] is None


def test_funding_is_the_realised_rate(rows: Rows) -> None:
    (settled,) = rows("okx", "funding")
    assert (settled["time_ms"], settled["funding_rate"]) == (START + HOUR, -0.0000746572360545)


def test_instruments_are_usdt_swaps_with_their_size(rows: Rows) -> None:
    btc, shib = rows("okx", "instruments")
    assert (btc["instrument"], btc["coin"], btc["contract_base"], btc["status"]) == (
        "BTC-USDT-SWAP",
        "BTC",
        0.01,
        "trading",
    )
    assert (shib["coin"], shib["contract_base"], shib["unit_multiplier"]) == ("SHIB", 1e6, 1.0)
    assert shib["status"] == "suspended"


def test_tiers_are_sorted_joined_and_in_contracts(rows: Rows) -> None:
    first, second, other = rows("okx", "margin_tiers")
    assert (first["instrument"], first["tier"], first["floor"], first["cap"]) == ("BTC-USDT-SWAP", 1, 0.0, 1000.0)
    assert (second["floor"], second["cap"], second["max_leverage_x"]) == (1000.0, 5000.0, 66.66)
    assert {each["bound_unit"] for each in (first, second, other)} == {"contracts"}
    assert {each["deduction"] for each in (first, second, other)} == {0.0}
    assert other["instrument"] == "ETH-USDT-SWAP"


def test_overlapping_tiers_are_refused(rows: Rows, payload: Payload) -> None:
    body = payload("okx", "margin_tiers")
    body["data"][0]["minSz"] = "900"
    # All tiers of the family or none; the other family stays.
    assert {each["instrument"] for each in rows("okx", "margin_tiers", body)} == {"ETH-USDT-SWAP"}
    body["data"] = [each for each in body["data"] if each["instFamily"] == "BTC-USDT"]
    with pytest.raises(BadPayload, match=r"only 0 of 1 rows are readable; .* overlap"):
        rows("okx", "margin_tiers", body)


def test_liquidations_hold_the_position_side(rows: Rows) -> None:
    events = rows("okx", "liquidations")
    assert [(each["time_ms"], each["side"], each["size_contracts"]) for each in events] == [
        (START + 1, "short", 1.0),
        (1790550631624, "short", 5.3),
        (1790551771714, "long", 3.62),
    ]
    assert {each["instrument"] for each in events} == {"BTC-USDT-SWAP"}
    assert {each["size_base"] for each in events} == {None}


def test_empty_series_is_accepted_and_empty_listing_refused(rows: Rows) -> None:
    empty = {"code": "0", "msg": "", "data": []}
    assert rows("okx", "liquidations", empty) == rows("okx", "open_interest_history", empty) == []
    for endpoint in ("open_interest", "instruments", "margin_tiers"):
        with pytest.raises(BadPayload, match=endpoint):
            rows("okx", endpoint, empty)


def test_full_page_continues_from_its_oldest_row(answer: Answer) -> None:
    (request,) = [
        each for each in okx.history([BTC], START, START + 100 * 300_000) if each.endpoint == "open_interest_history"
    ]
    whole = [[str(START + number * 300_000), "1", "1", "1"] for number in reversed(range(100))]
    assert okx.next_page(request, answer({"code": "0", "data": whole})) is None
    late = [[str(START + number * 300_000), "1", "1", "1"] for number in reversed(range(10, 110))]
    following = okx.next_page(request, answer({"code": "0", "data": late}))
    assert following is not None
    assert params(following)["end"] == str(START + 10 * 300_000)
    assert okx.next_page(request, answer({"code": "0", "data": whole[:50]})) is None


def test_liquidations_of_one_millisecond_survive_paging(ask: Ask, answer: Answer) -> None:
    request = ask("okx", "liquidations")

    def details(times: list[int]) -> dict[str, Any]:
        told = [{"bkPx": "1", "posSide": "long", "side": "sell", "sz": "1", "ts": str(time)} for time in times]
        return {"code": "0", "data": [{"instId": "BTC-USDT-SWAP", "details": told}]}

    newest = [START + 1000 - number for number in range(99)] + [START + 902]
    response = answer(details(newest))
    following = okx.next_page(request, response)
    assert following is not None
    assert params(following)["after"] == str(START + 903)  # exclusive bound, so the same ms is requested again
    first = okx.parse(request, response)["realised_liquidations"]
    second = okx.parse(following, answer(details([START + 902] * 3 + [START + 5])))["realised_liquidations"]
    assert len(first) == 98
    assert len(second) == 4


def test_page_of_one_millisecond_ends(ask: Ask, answer: Answer) -> None:
    told = [{"bkPx": "1", "posSide": "long", "side": "sell", "sz": "1", "ts": str(START + 7)}] * 100
    response = answer({"code": "0", "data": [{"instId": "BTC-USDT-SWAP", "details": told}]})
    request = ask("okx", "liquidations")
    assert len(okx.parse(request, response)["realised_liquidations"]) == 100
    following = okx.next_page(request, response)
    assert following is not None
    assert params(following)["after"] == str(START + 7)
