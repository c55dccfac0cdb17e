"""Answers about all instruments: one unreadable row is dropped, a changed schema refuses the answer."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from transforms.exchanges.protocol import BadPayload

Rows = Callable[..., list[dict[str, Any]]]
Payload = Callable[[str, str], Any]

# Path of the records in an answer, the column of their names, and a cell that a traded instrument requires.
LISTS: dict[tuple[str, str], tuple[tuple[str, ...], str, str]] = {
    ("binance", "instruments"): (("symbols",), "symbol", "baseAsset"),
    ("binance", "margin_tiers"): (("data", "brackets"), "symbol", "riskBrackets"),
    ("bybit", "instruments"): (("result", "list"), "symbol", "baseCoin"),
    ("bybit", "tickers"): (("result", "list"), "symbol", "openInterest"),
    ("okx", "instruments"): (("data",), "instId", "ctVal"),
    ("okx", "open_interest"): (("data",), "instId", "oi"),
}
BTC = {"binance": "BTCUSDT", "bybit": "BTCUSDT", "okx": "BTC-USDT-SWAP"}


def bulk(payload: Payload, exchange: str, endpoint: str, good: int, bad: int) -> Any:
    """Return the documented answer with copies of its first contract as rows, `bad` of them unreadable."""
    body = payload(exchange, endpoint)
    path, name, needed = LISTS[exchange, endpoint]
    listed = body
    for key in path:
        listed = listed[key]
    first = next(each for each in listed if each[name] == BTC[exchange])
    listed[:] = [
        copy.deepcopy(first) | {name: f"N{number}{BTC[exchange].removeprefix('BTC')}"} for number in range(good + bad)
    ]
    for each in listed[good:]:
        each[needed] = ""
    return body


@pytest.mark.parametrize(("exchange", "endpoint"), LISTS)
def test_unreadable_row_is_dropped(rows: Rows, payload: Payload, exchange: str, endpoint: str) -> None:
    found = rows(exchange, endpoint, bulk(payload, exchange, endpoint, 3, 1))
    assert len({each["instrument"] for each in found}) == 3
    assert len(rows(exchange, endpoint, bulk(payload, exchange, endpoint, 2, 2))) >= 2


@pytest.mark.parametrize(("exchange", "endpoint"), LISTS)
@pytest.mark.parametrize(("good", "bad"), [(2, 3), (0, 1)])
def test_mostly_unreadable_answer_is_refused(
    rows: Rows, payload: Payload, exchange: str, endpoint: str, good: int, bad: int
) -> None:
    needed = LISTS[exchange, endpoint][2]
    with pytest.raises(BadPayload, match=f"only {good} of {good + bad} rows are readable; .*{needed}"):
        rows(exchange, endpoint, bulk(payload, exchange, endpoint, good, bad))


IDLE = [
    ("binance", {"status": "PENDING_TRADING", "contractType": "", "baseAsset": ""}),
    ("bybit", {"status": "PreLaunch", "priceFilter": {}, "baseCoin": ""}),
    ("okx", {"state": "preopen", "ctVal": "", "tickSz": "", "instFamily": ""}),
    ("okx", {"state": "test", "ctVal": "", "tickSz": ""}),
]


@pytest.mark.parametrize(("exchange", "blanks"), IDLE)
def test_untraded_instruments_may_have_blank_cells(
    rows: Rows, payload: Payload, exchange: str, blanks: dict[str, Any]
) -> None:
    """Their number does not matter, since they do not indicate a changed schema."""
    body = bulk(payload, exchange, "instruments", 5, 0)
    listed: Any = body
    for key in LISTS[exchange, "instruments"][0]:
        listed = listed[key]
    for each in listed[1:]:
        each.update(blanks)
    assert len(rows(exchange, "instruments", body)) == 1
    listed[0] |= blanks
    with pytest.raises(BadPayload, match="no "):
        rows(exchange, "instruments", body)


@pytest.mark.parametrize(
    ("exchange", "cell", "blank"),
    [
        ("binance", "filters", None),
        ("binance", "filters", [{"filterType": "PRICE_FILTER", "tickSize": ""}]),
        ("bybit", "priceFilter", None),
        ("bybit", "priceFilter", {"tickSize": ""}),
        ("okx", "tickSz", ""),
        ("okx", "tickSz", "0"),
    ],
)
def test_missing_tick_is_null(rows: Rows, payload: Payload, exchange: str, cell: str, blank: Any) -> None:
    body = bulk(payload, exchange, "instruments", 1, 0)
    listed: Any = body
    for key in LISTS[exchange, "instruments"][0]:
        listed = listed[key]
    listed[0][cell] = blank
    (found,) = rows(exchange, "instruments", body)
    assert found["tick"] is None


def test_tier_without_family_refuses_the_answer(rows: Rows, payload: Payload) -> None:
    body = payload("okx", "margin_tiers")
    body["data"][0]["instFamily"] = ""
    with pytest.raises(BadPayload, match="row 0: instFamily"):
        rows("okx", "margin_tiers", body)
