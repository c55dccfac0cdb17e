"""Start, stop and clock of the server; nothing later than the clock is served."""

import json
import re
import threading

import httpx
import pytest

from warehouse.simulator import Simulation, serve
from warehouse.simulator.server.server import ROUTES

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
START_MS = 1_764_547_200_000
SENT = {
    "symbol": "AVAXUSDT", "pair": "AVAXUSDT", "contractType": "PERPETUAL", "period": "5m", "category": "linear",
    "intervalTime": "5min", "instId": "AVAX-USDT-SWAP", "instType": "SWAP", "ccy": "AVAX", "bar": "5m",
    "instFamily": "AVAX-USDT", "tdMode": "isolated", "quoteCcy": "USDT", "endTime": "2000000000000",
    "end": "2000000000000", "after": "2000000000000",
}  # fmt: skip
AHEAD = {"nextFundingTime", "fundingTime", "deliveryDate", "timeNano", "nextFundingRate"}
CLOSES = {"/fapi/v1/klines", "/fapi/v1/continuousKlines"} | {
    f"/fapi/v1/{kind}PriceKlines" for kind in ("mark", "index")
}


def moments(path: str, body: object) -> list[int]:
    """Return all times in an answer, in ms, except announced times and the close of the open bar."""
    if isinstance(body, dict):
        return [at for key, part in body.items() if key not in AHEAD for at in moments(path, part)]
    if isinstance(body, list):
        bar = path.startswith("/fapi/") and len(body) == 12
        return [at for place, part in enumerate(body) if not (bar and place == 6) for at in moments(path, part)]
    return [int(str(body))] if re.fullmatch(r"1[67]\d{11}", str(body)) else []


@pytest.mark.parametrize("path", sorted(ROUTES))
def test_answers_hold_no_time_after_the_clock(client: httpx.Client, now_ms: int, path: str) -> None:
    interval = "5m" if path.startswith("/fapi") else "5"
    period = {"/v5/market/account-ratio": "5min"}.get(path, "5m")
    reply = client.get(path, params=SENT | {"interval": interval, "period": period})
    assert reply.status_code in (200, 401, 404), reply.text
    found = moments(path, reply.json())
    assert all(at <= now_ms for at in found)


def test_clock_can_move() -> None:
    hands = [START_MS]
    with serve(seed=7, now_ms=lambda: hands[0]) as sim, httpx.Client(base_url=sim.url) as client:
        path = "/fapi/v1/klines?symbol=AVAXUSDT&interval=1h&limit=1"
        seen = []
        for minutes in (0, 10, 59, 60):
            hands[0] = START_MS + minutes * MINUTE_MS
            seen.append(client.get(path).json()[0])
            assert client.get("/fapi/v1/time").json() == {"serverTime": hands[0]}
    volumes = [float(row[5]) for row in seen]
    assert [row[0] for row in seen] == [START_MS] * 3 + [START_MS + HOUR_MS]
    assert volumes[0] == volumes[3] == 0.0
    assert 0.0 < volumes[1] < volumes[2]
    assert float(seen[2][2]) >= float(seen[1][2])


def test_past_hours_do_not_depend_on_the_clock(client: httpx.Client, now_ms: int) -> None:
    path = f"/futures/data/openInterestHist?symbol=AVAXUSDT&period=5m&endTime={now_ms - 20 * HOUR_MS}&limit=12"
    with serve(seed=7, now_ms=now_ms + 240 * HOUR_MS) as later:
        assert httpx.get(later.url + path).json() == client.get(path).json()
    with serve(seed=8, now_ms=now_ms) as other:
        assert httpx.get(other.url + path).json() != client.get(path).json()


def simulators() -> set[threading.Thread]:
    """Return the simulator threads of this process; fixtures of other modules run some too."""
    return {thread for thread in threading.enumerate() if thread.name == "simulator"}


def test_server_uses_loopback_and_stops_with_its_block() -> None:
    before = simulators()
    with serve(now_ms=START_MS) as sim:
        assert sim.url.startswith("http://127.0.0.1:")
        assert httpx.get(sim.url + "/fapi/v1/ping").json() == {}
    with pytest.raises(httpx.ConnectError):
        httpx.get(sim.url + "/fapi/v1/ping")
    assert simulators() == before


def test_server_stops_when_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), serve(now_ms=START_MS) as sim:
        _ = 1 / 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(sim.url + "/fapi/v1/ping")


def test_port_in_use_is_named(sim: Simulation) -> None:
    port = int(sim.url.rsplit(":", 1)[1])
    with pytest.raises(OSError, match=f"port {port}"), serve(port=port, now_ms=START_MS):
        pass


def test_old_statistics_are_served_without_history_limits(now_ms: int) -> None:
    path = f"/futures/data/openInterestHist?symbol=AVAXUSDT&period=1h&startTime={now_ms - 90 * 24 * HOUR_MS}&limit=3"
    with serve(now_ms=now_ms, history_limits=False) as sim:
        rows = httpx.get(sim.url + path, timeout=30).json()
    assert len(rows) == 3
    assert rows[0]["timestamp"] < now_ms - 89 * 24 * HOUR_MS


def test_default_clock_is_the_wall_clock() -> None:
    with serve() as sim:
        first = httpx.get(sim.url + "/fapi/v1/time").json()["serverTime"]
        assert first <= httpx.get(sim.url + "/fapi/v1/time").json()["serverTime"]
    assert first > START_MS


def test_data_begins_at_the_launch(client: httpx.Client) -> None:
    reply = client.get("/fapi/v1/klines?symbol=AVAXUSDT&interval=1d&startTime=0&limit=2").json()
    assert json.dumps(reply[0][0]) == "1577836800000"
    assert client.get("/fapi/v1/klines?symbol=AVAXUSDT&interval=1d&endTime=1577000000000").json() == []
