"""The later of two answers about an hour counts, even if the clock was set back between them."""

from __future__ import annotations

from datetime import datetime, timedelta

from transforms.exchanges.protocol import Request, Response
from transforms.tables import payloads
from warehouse.ingest.request_log import move_after


def answer(received_ms: int, body: bytes, path: str = "/x"):
    asked = Request("binance", "open_interest_history", path)
    return payloads.build([(asked, received_ms, Response(200, {}, body, received_ms))], source="simulated")


def test_answer_is_stamped_after_the_previous_one():
    first, again = answer(5_000, b"wrong"), answer(3_000, b"right")
    assert move_after(first, again)["received_at_utc"].to_list() == [
        datetime(1970, 1, 1) + timedelta(milliseconds=5_001)
    ]
    assert move_after(first, again)["body"].to_list() == [b"right"]


def test_later_answer_keeps_its_stamp():
    first, again = answer(3_000, b"wrong"), answer(5_000, b"right")
    assert move_after(first, again).equals(again)


def test_answer_to_another_request_is_stamped_too():
    first, again = answer(5_000, b"wrong"), answer(3_000, b"right", "/longer")
    assert move_after(first, again)["received_at_utc"].min() > first["received_at_utc"].max()
