from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from transforms.exchanges.binance import adapter as binance
from transforms.exchanges.protocol import BadPayload, Instrument, Request, Response

Rows = Callable[..., list[dict[str, Any]]]
Payload = Callable[[str, str], Any]
Ask = Callable[[str, str], Request]
HOUR = 3_600_000
START = 1790550000000
BTC = Instrument("binance", "BTCUSDT", "BTC")


def params(request: Request) -> dict[str, str]:
    return dict(request.params)


def test_history_requests_of_an_hour(ask: Ask) -> None:
    asked = {request.endpoint: request for request in binance.history([BTC], START, START + HOUR)}
    assert asked["open_interest_history"].key == (
        "GET /futures/data/openInterestHist?symbol=BTCUSDT&period=5m"
        "&startTime=1790550000001&endTime=1790553600000&limit=500"
    )
    assert asked["mark_bars"].key == (
        "GET /fapi/v1/markPriceKlines?symbol=BTCUSDT&interval=5m&startTime=1790550000000&endTime=1790553599999&limit=12"
    )
    assert asked["trade_bars"].path == "/fapi/v1/klines"
    assert asked["funding"].key == (
        "GET /fapi/v1/fundingRate?symbol=BTCUSDT&startTime=1790550060000&endTime=1790553659999&limit=1000"
    )
    assert ask("binance", "open_interest").key == "GET /fapi/v1/openInterest?symbol=BTCUSDT"
    assert ask("binance", "margin_tiers").host == "binance_web"
    assert [asked[name].budget for name in ("mark_bars", "account_ratio", "funding")] == [
        "binance-weight",
        "binance-data",
        "binance-funding",
    ]


def test_hourly_bars_leave_open_interest_at_five_minutes() -> None:
    asked = {request.endpoint: request for request in binance.history([BTC], START, START + HOUR, bar_minutes=60)}
    assert params(asked["mark_bars"])["interval"] == params(asked["trade_bars"])["interval"] == "1h"
    assert params(asked["open_interest_history"])["period"] == "5m"


@pytest.mark.parametrize(("hours", "weights"), [(1, {1}), (8, {1}), (9, {2}), (41, {2}), (42, {2, 1})])
def test_weight_of_klines_follows_the_limit(hours: int, weights: set[int]) -> None:
    asked = [each for each in binance.history([BTC], START, START + hours * HOUR) if each.endpoint == "mark_bars"]
    assert {each.weight for each in asked} == weights
    assert all(each.weight == (1 if int(params(each)["limit"]) < 100 else 2) for each in asked)
    assert all(int(params(each)["limit"]) < 500 for each in asked)


def test_open_interest_counts_one_side(rows: Rows) -> None:
    first, second = rows("binance", "open_interest_history")
    assert first["time_ms"] == START + 300_000
    assert second["time_ms"] == START + HOUR  # a string in the answer
    assert (first["reported"], first["reported_unit"], first["sides_counted"]) == (20403.12345678, "base", 1)
    assert (first["reported_base"], first["reported_usd"]) == (20403.12345678, 176196512.12345678)
    assert (first["single_sided"], first["mark_price"], first["origin"]) == (None, None, "history")
    (now,) = rows("binance", "open_interest")
    assert (now["time_ms"], now["reported"], now["reported_usd"], now["origin"]) == (
        1790553600011,
        10659.509,
        None,
        "snapshot",
    )


def test_klines_hold_taker_buys(rows: Rows) -> None:
    first, flat = rows("binance", "trade_bars")
    assert (first["open"], first["high"], first["low"], first["close"]) == (9653.2, 9654.5, 9653.0, 9653.1)
    assert (first["volume_base"], first["taker_buy_base"], first["interval_minutes"]) == (120.5, 70.25, 5)
    assert (flat["volume_base"], flat["taker_buy_base"]) == (0.0, None)


def test_bars_of_another_length_are_refused(rows: Rows, payload: Payload) -> None:
    body = payload("binance", "mark_bars")
    body[0][6] = START + HOUR - 1
    with pytest.raises(BadPayload, match="row 0: the bar is not of 5 minutes"):
        rows("binance", "mark_bars", body)


def test_funding_is_stamped_at_the_minute(rows: Rows, payload: Payload) -> None:
    (settled,) = rows("binance", "funding")
    assert (settled["time_ms"], settled["funding_rate"]) == (START + HOUR, -0.0375)
    assert settled["long_account_share"] is None
    body = payload("binance", "funding")
    del body[0]["rateType"]
    assert rows("binance", "funding", body) == [settled]


def test_ratios_fill_their_own_column(rows: Rows) -> None:
    columns = ("long_account_share", "top_long_account_share", "top_long_position_share")
    for endpoint, column in zip(("account_ratio", "top_account_ratio", "top_position_ratio"), columns, strict=True):
        (reading,) = rows("binance", endpoint)
        assert {name: reading[name] for name in columns if reading[name] is not None} == {column: 0.6617}


def test_instruments_are_usdt_perpetuals_of_coins(rows: Rows) -> None:
    listed = {each["instrument"]: each for each in rows("binance", "instruments")}
    assert {name: (each["coin"], each["unit_multiplier"]) for name, each in listed.items()} == {
        "BTCUSDT": ("BTC", 1.0),
        "1000PEPEUSDT": ("PEPE", 1000.0),
        "1MBABYDOGEUSDT": ("BABYDOGE", 1e6),
        "1000XUSDT": ("X", 1000.0),
        "1INCHUSDT": ("1INCH", 1.0),
    }
    assert [listed[name]["status"] for name in ("BTCUSDT", "1000PEPEUSDT", "1000XUSDT")] == [
        "trading",
        "suspended",
        "closed",
    ]
    assert (listed["BTCUSDT"]["tick"], listed["BTCUSDT"]["listed_ms"]) == (0.1, 1569398400000)


def test_tiers_are_sorted_and_hold_max_leverage(rows: Rows) -> None:
    first, second = rows("binance", "margin_tiers")
    assert (first["tier"], first["floor"], first["cap"], first["max_leverage_x"]) == (1, 0.0, 300_000.0, 150.0)
    assert (second["maintenance_rate"], second["deduction"], second["bound_unit"]) == (0.005, 300.0, "usd")


@pytest.mark.parametrize("column", ["symbol", "sumOpenInterest", "sumOpenInterestValue", "timestamp"])
@pytest.mark.parametrize("value", [None, "", "NaN", "-5"])
def test_bad_row_refuses_its_page(rows: Rows, payload: Payload, column: str, value: Any) -> None:
    body = payload("binance", "open_interest_history")
    body[1][column] = value
    with pytest.raises(BadPayload, match=f"row 1: {column}"):
        rows("binance", "open_interest_history", body)


def test_another_symbol_is_refused(rows: Rows, payload: Payload) -> None:
    body = payload("binance", "open_interest")
    body["symbol"] = "BTCUSD_PERP"
    with pytest.raises(BadPayload, match="BTCUSD_PERP"):
        rows("binance", "open_interest", body)


def test_empty_series_is_accepted_and_empty_listing_refused(rows: Rows) -> None:
    assert rows("binance", "open_interest_history", []) == rows("binance", "funding", []) == []
    for endpoint, body in (
        ("instruments", {"symbols": []}),
        ("margin_tiers", {"code": "000000", "data": {"brackets": []}}),
        ("open_interest", {}),
        ("open_interest_history", {}),
        ("instruments", []),
    ):
        with pytest.raises(BadPayload):
            rows("binance", endpoint, body)


def test_rows_are_sorted_and_deduplicated(rows: Rows, payload: Payload) -> None:
    body = payload("binance", "open_interest_history")
    assert rows("binance", "open_interest_history", body[::-1] * 2) == rows("binance", "open_interest_history")


def page(opens: range) -> list[list[Any]]:
    return [[time, "1", "1", "1", "1", "0", time + 299_999, "0", 0, "0", "0", "0"] for time in opens]


def test_incomplete_full_page_is_followed(ask: Ask, answer: Callable[..., Response]) -> None:
    request = ask("binance", "mark_bars")
    assert binance.next_page(request, answer(page(range(START, START + HOUR, 300_000)))) is None
    assert binance.next_page(request, answer(page(range(START, START + HOUR // 2, 300_000)))) is None
    early = page(range(START - HOUR // 2, START + HOUR // 2, 300_000))
    following = binance.next_page(request, answer(early))
    assert following is not None
    assert params(following)["startTime"] == str(START + HOUR // 2 - 300_000 + 1)
    assert following.end_ms == request.end_ms
    assert binance.next_page(ask("binance", "open_interest"), answer({})) is None
