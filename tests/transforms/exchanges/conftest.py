"""Documented answers of the exchanges, cut to one hour, and their requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from transforms.exchanges import ADAPTERS
from transforms.exchanges.protocol import Instrument, Request, Response

PAYLOADS = Path(__file__).parent / "payloads"
START_MS = 1790550000000
END_MS = START_MS + 3_600_000
NOW_MS = END_MS + 5_000
NAMES = {"binance": "BTCUSDT", "bybit": "BTCUSDT", "okx": "BTC-USDT-SWAP"}


def instrument(exchange: str) -> Instrument:
    return Instrument(exchange, NAMES[exchange], "BTC", contract_base=0.01 if exchange == "okx" else 1.0)


def request_for(exchange: str, endpoint: str) -> Request:
    adapter, listed = ADAPTERS[exchange], [instrument(exchange)]
    planned = adapter.metadata(["BTC"]) + adapter.snapshot(listed) + adapter.history(listed, START_MS, END_MS)
    (found,) = [each for each in planned if each.endpoint == endpoint]
    return found


def answer_of(body: Any, status: int = 200, received_ms: int = NOW_MS, **headers: str) -> Response:
    """Return a response with bytes or text unchanged and other bodies as JSON; underscores in headers become dashes."""
    raw = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"content-type": "application/json", **named}, raw, received_ms)


def payload_of(exchange: str, endpoint: str) -> bytes:
    return (PAYLOADS / exchange / f"{endpoint}.json").read_bytes()


@pytest.fixture
def answer() -> Callable[..., Response]:
    return answer_of


@pytest.fixture
def ask() -> Callable[[str, str], Request]:
    return request_for


@pytest.fixture
def payload() -> Callable[[str, str], Any]:
    """Return a function that reads a documented answer as JSON for a test to change."""
    return lambda exchange, endpoint: json.loads(payload_of(exchange, endpoint))


@pytest.fixture
def rows() -> Callable[..., list[dict[str, Any]]]:
    """Return a function that parses the rows of a documented answer, or of `body` instead."""

    def read(exchange: str, endpoint: str, body: Any = None, **changes: Any) -> list[dict[str, Any]]:
        response = answer_of(payload_of(exchange, endpoint) if body is None else body, **changes)
        (found,) = ADAPTERS[exchange].parse(request_for(exchange, endpoint), response).values()
        return found

    return read


@pytest.fixture
def window() -> Mapping[str, int]:
    return {"start": START_MS, "end": END_MS, "now": NOW_MS}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize `documented` with every answer in the folder: (exchange, endpoint, request, body)."""
    if "documented" not in metafunc.fixturenames:
        return
    cases = [(path.parent.name, path.stem) for path in sorted(PAYLOADS.glob("*/*.json"))]
    values = [(*case, request_for(*case), payload_of(*case)) for case in cases]
    metafunc.parametrize("documented", values, ids=["-".join(case) for case in cases])
