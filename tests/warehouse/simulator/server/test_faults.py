"""Each fault in the words of its exchange, over real HTTP."""

from typing import Any

import httpx
import pytest

from warehouse.simulator import Fault, Simulation
from warehouse.simulator.server.faults import KINDS

BINANCE = "/fapi/v1/openInterest?symbol=BTCUSDT"
BYBIT = "/v5/market/open-interest?category=linear&symbol=BTCUSDT&intervalTime=1h&limit=2"
OKX = "/api/v5/public/open-interest?instType=SWAP&instId=BTC-USDT-SWAP"


@pytest.mark.parametrize(
    ("path", "kind", "status", "expected"),
    [
        (BINANCE, "429", 429, {"code": -1003}),
        (BINANCE, "418", 418, {"code": -1003}),
        (BINANCE, "451", 451, {"code": 0}),
        (BINANCE, "500", 500, {"code": -1000}),
        (BINANCE, "503", 503, {"code": -1008}),
        (BYBIT, "rate_200", 200, {"retCode": 10006, "retMsg": "Too many visits!"}),
        (BYBIT, "busy_200", 200, {"retCode": 10016}),
        (BYBIT, "451", 403, {}),
        (OKX, "429", 429, {"code": "50011"}),
        (OKX, "rate_200", 200, {"code": "50011"}),
        (OKX, "busy_200", 200, {"code": "50013"}),
        (OKX, "503", 503, {"code": "50001"}),
        (OKX, "500", 500, {"code": "50026"}),
    ],
)
def test_json_faults_have_status_and_code(
    sim: Simulation, client: httpx.Client, path: str, kind: Any, status: int, expected: dict[str, Any]
) -> None:
    sim.faults.add(Fault(kind=kind))
    reply = client.get(path)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/json"
    assert expected.items() <= reply.json().items()


@pytest.mark.parametrize(
    ("path", "kind", "status", "part"),
    [
        (BINANCE, "403", 403, "403 Forbidden"),
        (BYBIT, "403", 403, "access too frequent"),
        (BYBIT, "geo_html", 403, "CloudFront"),
        (BYBIT, "429", 429, "<html>"),
        (OKX, "502", 502, "502 Bad Gateway"),
        (BINANCE, "504", 504, "504"),
        (OKX, "html", 200, "Maintenance"),
    ],
)
def test_html_faults_have_status_and_text(
    sim: Simulation, client: httpx.Client, path: str, kind: Any, status: int, part: str
) -> None:
    sim.faults.add(Fault(kind=kind))
    reply = client.get(path)
    assert (reply.status_code, reply.headers["content-type"].split(";")[0].startswith("text/")) == (status, True)
    assert part in reply.text


def test_ban_states_its_end(sim: Simulation, client: httpx.Client, now_ms: int) -> None:
    sim.faults.add(Fault(kind="418", retry_after=300))
    reply = client.get(BINANCE)
    assert reply.headers["Retry-After"] == "300"
    assert f"IP banned until {now_ms + 300_000}" in reply.json()["msg"]


def test_retry_after_is_sent(sim: Simulation, client: httpx.Client) -> None:
    sim.faults.add(Fault(kind="429", retry_after=0.5, times=1))
    assert client.get(BINANCE).headers["Retry-After"] == "0.5"
    assert client.get(BINANCE).status_code == 200


@pytest.mark.parametrize("path", [BINANCE, BYBIT, OKX])
def test_broken_bodies_are_served(sim: Simulation, client: httpx.Client, path: str) -> None:
    right = client.get(path)
    sim.faults.add(Fault(kind="truncated", times=1), Fault(kind="empty", times=1), Fault(kind="no_rows", times=1))
    cut, empty, none = (client.get(path) for _ in range(3))
    assert {reply.status_code for reply in (cut, empty, none)} == {200}
    assert right.text.startswith(cut.text)
    assert 0 < len(cut.text) < len(right.text)
    assert empty.text == ""
    assert none.json().keys() == right.json().keys()
    assert client.get(path).json() == right.json()


def test_slow_answers_are_correct_and_do_not_block_others(sim: Simulation, client: httpx.Client) -> None:
    right = client.get(BINANCE).json()
    sim.faults.add(Fault(kind="slow", seconds=0.2, times=1), Fault(kind="slow", seconds=0.5, times=1))
    assert client.get(BINANCE).json() == right
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(sim.url + BINANCE, timeout=0.05)
    assert client.get(BINANCE).json() == right


def test_faults_match_path_and_query_and_are_counted(sim: Simulation, client: httpx.Client) -> None:
    sim.faults.add(Fault(kind="500", path="openInterest.*BTCUSDT", times=2))
    assert client.get("/fapi/v1/openInterest?symbol=ETHUSDT").status_code == 200
    assert [client.get(BINANCE).status_code for _ in range(3)] == [500, 500, 200]
    assert sim.faults.active() == []


def test_faults_are_managed_over_http(client: httpx.Client) -> None:
    added = client.post("/_simulator/faults", json=[{"kind": "429", "path": "^/v5/", "times": 1}, {"kind": "html"}])
    assert [row["kind"] for row in added.json()] == ["429", "html"]
    assert client.get(BYBIT).status_code == 429
    assert [row["kind"] for row in client.get("/_simulator/faults").json()] == ["html"]
    assert client.delete("/_simulator/faults").json() == []
    assert client.get(BINANCE).status_code == 200


@pytest.mark.parametrize("sent", [{"kind": "plague"}, {"kind": "429", "when": 3}, {"kind": "429", "times": "many"}])
def test_invalid_fault_is_refused(client: httpx.Client, sent: dict[str, Any]) -> None:
    reply = client.post("/_simulator/faults", json=sent)
    assert reply.status_code == 400
    assert reply.json()["error"]


def test_unknown_kind_is_refused(sim: Simulation) -> None:
    kind: Any = "plague"
    with pytest.raises(ValueError, match="plague"):
        sim.faults.add(Fault(kind=kind))
    assert len(KINDS) == len(set(KINDS))


def test_requests_are_logged(client: httpx.Client) -> None:
    client.delete("/_simulator/requests")
    client.get(BINANCE)
    client.get(OKX)
    client.get("/fapi/v1/openInterest?symbol=NOPE")
    log = client.get("/_simulator/requests").json()
    assert log["total"] == 3
    assert log["by_path"] == {"/api/v5/public/open-interest": 1, "/fapi/v1/openInterest": 2}
    assert [(row["query"], row["status"]) for row in log["recent"]][::2] == [
        ("symbol=BTCUSDT", 200),
        ("symbol=NOPE", 400),
    ]
