"""Properties that every exchange's adapter shares."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.exchanges import ADAPTERS, adapter
from transforms.exchanges.protocol import SERIES, BadPayload, ExchangeError, Instrument, Request, Response

Documented = tuple[str, str, Request, bytes]
Answer = Callable[..., Response]
ANY = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
HOUR_MS = 3_600_000


def test_registry_lists_exchanges() -> None:
    assert list(ADAPTERS) == ["binance", "bybit", "okx"]
    assert adapter("okx") is ADAPTERS["okx"]
    with pytest.raises(ValueError, match="binance, bybit, okx"):
        adapter("bitmex")


@pytest.mark.parametrize("exchange", ADAPTERS)
def test_endpoints_have_documented_answers_and_series(exchange: str, documented_endpoints: set[str]) -> None:
    assert {f"{exchange}/{name}" for name in ADAPTERS[exchange].ENDPOINTS} <= documented_endpoints
    assert all(series in SERIES for many in ADAPTERS[exchange].ENDPOINTS.values() for series in many)


@pytest.fixture
def documented_endpoints(request: pytest.FixtureRequest) -> set[str]:
    folder = request.path.parent / "payloads"
    return {f"{path.parent.name}/{path.stem}" for path in folder.glob("*/*.*")}


def test_documented_answers_are_parsed_completely(documented: Documented, answer: Answer) -> None:
    exchange, endpoint, request, body = documented
    parsed = ADAPTERS[exchange].parse(request, answer(body))
    assert tuple(parsed) == ADAPTERS[exchange].ENDPOINTS[endpoint]
    for series, rows in parsed.items():
        assert rows
        assert all(list(row) == list(SERIES[series]) for row in rows)


def test_content_type_may_name_a_charset_or_be_absent(documented: Documented, answer: Answer) -> None:
    exchange, _, request, body = documented
    plain = ADAPTERS[exchange].parse(request, answer(body))
    spelt = answer(body, content_type="application/json;charset=UTF-8")
    assert ADAPTERS[exchange].parse(request, spelt) == plain
    assert ADAPTERS[exchange].parse(request, Response(200, {}, body, spelt.received_ms)) == plain


@ANY
@given(data=st.data())
def test_truncated_answer_is_refused(documented: Documented, answer: Answer, data: st.DataObject) -> None:
    exchange, _, request, body = documented
    whole = body.rstrip()
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(BadPayload):
        ADAPTERS[exchange].parse(request, answer(whole[:cut]))


@ANY
@given(data=st.data())
def test_corrupted_cell_gives_rows_or_an_error(documented: Documented, answer: Answer, data: st.DataObject) -> None:
    """Any value in any place of the document gives rows or an ExchangeError, and nothing else."""
    exchange, _, request, body = documented
    document = json.loads(body)
    places = list(_places(document))
    spoilt = st.sampled_from([None, "", "NaN", "-1", -1, True, [], {}, "x", "1e999", 10**400, "9" * 400, "<html>"])
    container, key = data.draw(st.sampled_from(places))
    container[key] = data.draw(spoilt)
    try:
        parsed = ADAPTERS[exchange].parse(request, answer(document))
    except ExchangeError:
        return
    for series, rows in parsed.items():
        assert all(list(row) == list(SERIES[series]) for row in rows)
        numbers = [value for row in rows for value in row.values() if type(value) is float]
        assert all(math.isfinite(number) for number in numbers)


def _places(document: Any) -> Any:
    pairs = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in list(pairs):
        yield document, key
        if isinstance(value, dict | list):
            yield from _places(value)


@pytest.mark.parametrize(
    "body", [b"", b"  ", b"<html><body>maintenance</body></html>", b"null", b"[]x", b"\xff\xfe", b"[" * 100_000]
)
def test_invalid_json_is_refused(documented: Documented, answer: Answer, body: bytes) -> None:
    exchange, _, request, _ = documented
    with pytest.raises(BadPayload):
        ADAPTERS[exchange].parse(request, answer(body))


def test_html_with_status_200_is_refused_by_content_type(documented: Documented, answer: Answer) -> None:
    exchange, _, request, body = documented
    with pytest.raises(BadPayload, match="text/html"):
        ADAPTERS[exchange].parse(request, answer(body, content_type="text/html; charset=utf-8"))


@pytest.mark.parametrize("exchange", ADAPTERS)
def test_plans_are_deterministic(exchange: str, window: dict[str, int]) -> None:
    module, name = ADAPTERS[exchange], "BTC-USDT-SWAP" if exchange == "okx" else "BTCUSDT"
    listed = [Instrument(exchange, name, "BTC")]
    start, end = window["start"] - 200 * HOUR_MS, window["end"]
    planned = module.history(listed, start, end)
    assert planned == module.history(listed, start, end)
    assert len(set(planned)) == len(planned)
    assert not module.history(listed, end, end)
    for request in planned:
        assert request.host in module.HOSTS
        assert request.budget in {budget.name for budget in module.BUDGETS}
        assert request.endpoint in module.ENDPOINTS


@pytest.mark.parametrize("exchange", ADAPTERS)
def test_windows_join_without_gap_or_overlap(exchange: str, window: dict[str, int]) -> None:
    name = "BTC-USDT-SWAP" if exchange == "okx" else "BTCUSDT"
    start, end = window["start"] - 200 * HOUR_MS, window["end"]
    by_endpoint: dict[str, list[tuple[int, int]]] = {}
    for request in ADAPTERS[exchange].history([Instrument(exchange, name, "BTC")], start, end):
        assert request.start_ms is not None
        assert request.end_ms is not None
        by_endpoint.setdefault(request.endpoint, []).append((request.start_ms, request.end_ms))
    for windows in by_endpoint.values():
        assert windows[0][0] == start
        assert windows[-1][1] == end
        assert all(before[1] == after[0] for before, after in pairwise(windows))


@pytest.mark.parametrize("exchange", ADAPTERS)
def test_unsupported_requests_are_refused(exchange: str) -> None:
    module = ADAPTERS[exchange]
    with pytest.raises(ValueError, match="linear"):
        module.snapshot([Instrument(exchange, "BTCUSD", "BTC", kind="inverse")])
    with pytest.raises(ValueError, match="7 minutes"):
        module.history([], 0, HOUR_MS, bar_minutes=7)


def test_open_bars_are_excluded(answer: Answer, documented: Documented) -> None:
    exchange, endpoint, request, body = documented
    if not endpoint.endswith("_bars"):
        return
    early = answer(body, received_ms=1790553599999)
    assert [row["open_ms"] for row in next(iter(ADAPTERS[exchange].parse(request, early).values()))] == [1790550000000]


def test_rows_outside_the_window_are_cut(documented: Documented, answer: Answer) -> None:
    """The answer is parsed for a request of its first half-hour."""
    exchange, endpoint, request, body = documented
    if request.start_ms is None:
        return
    half = replace(request, end_ms=request.start_ms + HOUR_MS // 2)
    (rows,) = ADAPTERS[exchange].parse(half, answer(body)).values() if endpoint != "funding" else ([],)
    times = [row.get("open_ms", row.get("time_ms")) for row in rows]
    assert all(request.start_ms <= time <= request.start_ms + HOUR_MS // 2 for time in times)
