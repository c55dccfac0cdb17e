"""The liquidation streams: the subscription sent, the messages decoded, and the format of their recordings."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.exchanges import recording
from transforms.exchanges.protocol import SERIES, BadPayload
from transforms.exchanges.recording import STREAMS, line
from transforms.exchanges.stream import Heard

BINANCE = {
    "e": "forceOrder",
    "E": 1767571203055,
    "o": {
        "s": "BTCUSDT", "S": "SELL", "o": "LIMIT", "f": "IOC", "q": "0.200", "p": "99.5", "ap": "100.1", "X": "FILLED",
        "l": "0.050", "z": "0.150", "T": 1767571202120,
    },
}  # fmt: skip
BYBIT = {
    "topic": "allLiquidation.BTCUSDT",
    "type": "snapshot",
    "ts": 1767571203204,
    "data": [
        {"T": 1767571202929, "s": "BTCUSDT", "S": "Buy", "v": "0.006", "p": "99.5"},
        {"T": 1767571202930, "s": "BTCUSDT", "S": "Sell", "v": "0.5", "p": "101"},
    ],
}
_DETAIL = {"bkLoss": "0", "bkPx": "99.5", "ccy": "", "posSide": "long", "side": "sell", "sz": "8.55"}
OKX = {
    "arg": {"channel": "liquidation-orders", "instType": "SWAP"},
    "data": [
        {
            "details": [{**_DETAIL, "ts": "1767571202771"}],
            "instFamily": "BTC-USDT", "instId": "BTC-USDT-SWAP", "instType": "SWAP",
        }
    ],
}  # fmt: skip


def hear(exchange: str, message: object) -> Heard:
    return STREAMS[exchange].hear(message if isinstance(message, str) else json.dumps(message))


def test_binance_maps_order_side_and_filled_size() -> None:
    (event,) = hear("binance", BINANCE).rows
    assert (event["instrument"], event["time_ms"], event["side"]) == ("BTCUSDT", 1767571202120, "long")
    assert (event["price"], event["size_base"], event["size_contracts"]) == (99.5, 0.15, None)
    bought = {**BINANCE, "o": BINANCE["o"] | {"S": "BUY"}}  # type: ignore[operator]
    assert hear("binance", bought).rows[0]["side"] == "short"
    assert hear("binance", {**BINANCE, "o": BINANCE["o"] | {"z": "0"}}).rows == ()  # type: ignore[operator]


def test_bybit_reports_the_position_side() -> None:
    bought, sold = hear("bybit", BYBIT).rows
    assert (bought["side"], sold["side"]) == ("long", "short")
    assert (sold["price"], sold["size_base"], sold["time_ms"]) == (101.0, 0.5, 1767571202930)


def test_okx_reports_contracts() -> None:
    (event,) = hear("okx", OKX).rows
    assert event.keys() == SERIES["realised_liquidations"].keys()
    assert (event["instrument"], event["side"]) == ("BTC-USDT-SWAP", "long")
    assert (event["size_contracts"], event["size_base"], event["price"]) == (8.55, None, 99.5)


def test_subscriptions_name_their_channels() -> None:
    assert STREAMS["binance"].PATH.startswith("/market/")  # the older paths acknowledge and send nothing
    assert ["!forceOrder@arr" in each for each in STREAMS["binance"].subscriptions([])] == [True]
    (asked,) = map(json.loads, STREAMS["okx"].subscriptions(["BTC-USDT-SWAP"]))
    assert asked["args"] == [
        {"channel": "liquidation-orders", "instType": "SWAP"}
    ]  # OKX refuses a subscription by instrument
    (asked,) = map(json.loads, STREAMS["bybit"].subscriptions(["BTCUSDT", "ETHUSDT"]))
    assert asked == {"op": "subscribe", "args": ["allLiquidation.BTCUSDT", "allLiquidation.ETHUSDT"]}
    many = [f"COIN{number}USDT" for number in range(700)]
    messages = STREAMS["bybit"].subscriptions(many)
    assert all(len(message) < 21_000 for message in messages)
    assert sum(len(json.loads(message)["args"]) for message in messages) == 700


@pytest.mark.parametrize(
    ("exchange", "message"),
    [
        ("binance", {"result": None, "id": 1}),
        ("bybit", {"success": True, "ret_msg": "", "conn_id": "x", "req_id": "", "op": "subscribe"}),
        ("okx", {"event": "subscribe", "arg": {"channel": "liquidation-orders", "instType": "SWAP"}, "connId": "x"}),
    ],
)
def test_subscription_is_acknowledged(exchange: str, message: object) -> None:
    assert hear(exchange, message) == Heard(acknowledged=True)


@pytest.mark.parametrize(
    ("exchange", "message", "why"),
    [
        ("binance", {"error": {"code": 2, "msg": "Invalid request"}, "id": 1}, "2 Invalid request"),
        ("binance", {"code": 3, "msg": "Invalid JSON"}, "3 Invalid JSON"),
        (
            "bybit",
            {"success": False, "ret_msg": "handler not found", "op": "subscribe"},
            "handler not found",
        ),
        ("okx", {"event": "error", "code": "60018", "msg": "Wrong URL\nor channel"}, "60018 Wrong URL or channel"),
    ],
)
def test_subscription_is_refused_in_one_line(exchange: str, message: object, why: str) -> None:
    assert hear(exchange, message) == Heard(refused=why)


@pytest.mark.parametrize(
    ("exchange", "message"),
    [
        ("bybit", {"success": True, "ret_msg": "pong", "conn_id": "x", "op": "ping"}),
        ("okx", "pong"),
        ("okx", {"event": "notice", "code": "64008", "msg": "the connection will be closed"}),
    ],
)
def test_heartbeat_is_ignored(exchange: str, message: object) -> None:
    assert hear(exchange, message) == Heard()


@pytest.mark.parametrize(
    ("exchange", "message"),
    [
        ("binance", "{"),
        ("binance", "[]"),
        ("binance", {**BINANCE, "o": BINANCE["o"] | {"S": "LONG"}}),  # type: ignore[operator]
        ("binance", {**BINANCE, "o": BINANCE["o"] | {"p": "NaN"}}),  # type: ignore[operator]
        ("bybit", {**BYBIT, "data": [{"T": 1767571202929, "s": "BTCUSDT", "S": "Long", "v": "1", "p": "1"}]}),
        ("bybit", {**BYBIT, "data": [{"T": 1767571202, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "1"}]}),
        ("bybit", {**BYBIT, "data": [{"T": 1767571202929, "s": "BTCUSDT", "S": "Buy", "v": None, "p": "1"}]}),
        ("okx", "<html>"),
        ("okx", {"data": [{"instId": "BTC-USDT-SWAP", "details": [{**_DETAIL, "sz": "", "ts": "1767571202771"}]}]}),
        ("okx", {}),
    ],
)
def test_unreadable_message_is_refused(exchange: str, message: object) -> None:
    with pytest.raises(BadPayload):
        hear(exchange, message)


T = 1767571200000
_WHOLE = b"".join(
    [
        line(T, mark="connected"),
        line(T + 1000, mark="subscribed", instruments=["BTCUSDT"]),
        line(T + 5000, said=json.dumps(BYBIT)),
        line(T + 9000, mark="alive"),
        line(T + 30_000, mark="disconnected", why="Zeitüberschreitung"),
    ]
)


@given(st.integers(0, len(_WHOLE)))
def test_truncated_recording_keeps_complete_lines(cut: int) -> None:
    kept = recording.read(_WHOLE[:cut])
    assert kept == recording.read(_WHOLE)[: len(kept)]
    assert len(kept) in (_WHOLE[:cut].count(b"\n"), _WHOLE[:cut].count(b"\n") + 1)
    resumed = recording.read(_WHOLE[:cut] + b"\n" + line(T + 60_000, mark="connected"))
    assert resumed[-1] == {"at": T + 60_000, "mark": "connected"}


def test_listening_ends_with_the_last_heartbeat() -> None:
    """The end of the connection was detected 21 seconds late."""
    (stretch,) = recording.listened(_WHOLE)
    assert stretch == recording.Listened(T + 1000, T + 9000, ("BTCUSDT",))


def test_restart_after_a_kill_is_a_second_stretch() -> None:
    killed = _WHOLE[: _WHOLE.index(b"disconnected")]
    later = _WHOLE.replace(str(T)[:8].encode(), str(T + 10**8)[:8].encode())
    first, second = recording.listened(killed + b"\n" + later)
    assert first.end_ms == T + 9000
    assert second.start_ms > first.end_ms


def test_unsubscribed_connection_is_not_listening() -> None:
    assert recording.listened(line(T, mark="connected") + line(T + 9000, mark="alive")) == []


def test_repeated_message_counts_once() -> None:
    again = _WHOLE + line(T + 40_000, said=json.dumps(BYBIT))
    assert len(recording.rows("bybit", again)) == len(recording.rows("bybit", _WHOLE)) == 2


def test_one_unreadable_message_is_skipped_and_many_are_refused() -> None:
    assert len(recording.rows("bybit", _WHOLE + line(T, said="{"))) == 2
    with pytest.raises(BadPayload):
        recording.rows("bybit", _WHOLE + line(T, said="{") + line(T, said="["))


def test_silent_hour_of_a_whole_market_is_refused() -> None:
    acknowledged = line(T, mark="subscribed", instruments=None) + line(T + 3_600_000, mark="alive")
    with pytest.raises(BadPayload, match="not served here"):
        recording.check_heard("binance", acknowledged)
    assert recording.check_heard("bybit", acknowledged) == []
