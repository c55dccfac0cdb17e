"""Listening over a real WebSocket: subscription, heartbeats, hourly files, reconnection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.ingest.streams.stream_server import PATIENCE_S, StreamServer, liquidation, streaming
from transforms.exchanges import recording
from transforms.exchanges.recording import STREAMS
from transforms.hourly.hours import HOUR
from warehouse.clock import to_ms
from warehouse.ingest.streams.listener import Listener, Pace
from warehouse.ingest.streams.recordings import Recorder

H = datetime(2026, 1, 5, 10)


@dataclass
class Clock:
    """A clock set by a test; each reading is a millisecond later."""

    now: datetime = datetime(2026, 1, 5, 10, 5)
    looks: int = 0

    def __call__(self) -> int:
        self.looks += 1
        return to_ms(self.now) + self.looks


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.005)


def hears(
    root: Path,
    server: StreamServer,
    scene: Callable[[Listener], Awaitable[None]],
    clock: Clock,
    exchange: str = "bybit",
    beat_s: float = 60,
) -> Listener:
    """Run a listener beside the scene, stop it, and return it."""
    recorder = Recorder(root, exchange, clock)
    pace = Pace(beat_s=beat_s, pause_s=0)
    listener = Listener(exchange, STREAMS[exchange], server.url, recorder, lambda: ["BTCUSDT"], pace)

    async def play() -> None:
        listening = asyncio.create_task(listener.listen())
        await scene(listener)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)

    asyncio.run(play())
    return listener


def lines(root: Path, exchange: str = "bybit", hour: str = "2026-01-05T11") -> list[dict[str, Any]]:
    return recording.read((root / f"raw/streams/{exchange}/{hour}.jsonl").read_bytes())


def marks(found: list[dict[str, Any]]) -> list[str]:
    return [each["mark"] for each in found if "mark" in each]


def test_listener_subscribes_and_records_messages(tmp_path: Path) -> None:
    async def scene(listener: Listener) -> None:
        await until(lambda: listener.tally.state == "listening")
        server.send(liquidation(1), "nonsense", liquidation(2))
        await until(lambda: listener.tally.messages == 4)

    with streaming() as server:
        tally = hears(tmp_path, server, scene, Clock()).tally
    assert server.paths == ["/v5/public/linear"]
    assert json.loads(server.heard[0][0])["args"] == ["allLiquidation.BTCUSDT"]
    found = lines(tmp_path)
    assert marks(found) == ["connected", "subscribed", "disconnected"]
    assert [e["said"] for e in found if "said" in e][1:] == [liquidation(1), "nonsense", liquidation(2)]
    assert next(e for e in found if e.get("mark") == "subscribed")["instruments"] == ["BTCUSDT"]
    assert (tally.events, tally.unreadable, tally.reconnects) == (2, 1, 0)
    assert found[-1]["why"] == "stopped"


def test_dropped_connection_is_reopened_and_recorded(tmp_path: Path) -> None:
    async def scene(listener: Listener) -> None:
        for number in range(3):
            await until(lambda n=number: listener.tally.connections == n + 1 and listener.tally.state == "listening")
            server.send(liquidation(number))
            await until(lambda n=number: listener.tally.events == n + 1)
            await asyncio.to_thread(server.drop)
        await until(lambda: listener.tally.connections == 4)

    with streaming() as server:
        tally = hears(tmp_path, server, scene, Clock()).tally
    found = lines(tmp_path)
    assert marks(found)[:9] == ["connected", "subscribed", "disconnected"] * 3
    assert len(recording.listened((tmp_path / "raw/streams/bybit/2026-01-05T11.jsonl").read_bytes())) == 3
    assert (tally.events, tally.reconnects) == (3, 3)


@pytest.mark.parametrize(("exchange", "ping"), [("bybit", '{"op": "ping"}'), ("okx", "ping")])
def test_heartbeats_are_sent_and_recorded(tmp_path: Path, exchange: str, ping: str) -> None:
    async def scene(listener: Listener) -> None:
        await until(lambda: marks(lines(tmp_path, exchange)).count("alive") >= 2 if listener.tally.messages else False)

    with streaming() as server:
        hears(tmp_path, server, scene, Clock(), exchange, beat_s=0.01)
    assert server.heard[0][1:3] == [ping, ping]


def test_unacknowledged_subscription_is_not_listening(tmp_path: Path) -> None:
    async def scene(listener: Listener) -> None:
        await until(lambda: listener.tally.connections >= 3)

    with streaming(deaf=True) as server:
        hears(tmp_path, server, scene, Clock(), beat_s=0.01)
    assert "subscribed" not in marks(lines(tmp_path))
    assert "not acknowledged" in str(lines(tmp_path))


def test_refused_subscription_is_not_retried(tmp_path: Path) -> None:
    async def scene(listener: Listener) -> None:
        await until(lambda: listener.tally.ended)

    with streaming(refuses=True) as server:
        tally = hears(tmp_path, server, scene, Clock()).tally
    assert tally.state == "refused: handler not found"
    assert len(server.heard) == 1


def test_connection_continues_in_the_next_hourly_file(tmp_path: Path) -> None:
    """The first ten seconds of an hour still go to the file of the hour before."""
    clock = Clock(H.replace(minute=59))

    async def scene(listener: Listener) -> None:
        for number, moment in enumerate((H + HOUR, (H + HOUR).replace(second=9), (H + HOUR).replace(second=11))):
            await until(lambda n=number: listener.tally.state == "listening" and listener.tally.events == n)
            clock.now = moment
            server.send(liquidation(number))
        await until(lambda: listener.tally.events == 3)

    with streaming() as server:
        hears(tmp_path, server, scene, clock)
    before, after = lines(tmp_path), lines(tmp_path, hour="2026-01-05T12")
    boundary = to_ms(H + HOUR) + recording.LATENESS_MS
    assert [e["said"] for e in before if "said" in e][1:] == [liquidation(0), liquidation(1)]
    assert before[-1] == {"at": boundary, "mark": "alive"}
    assert after[0] == {"at": boundary, "mark": "subscribed", "instruments": ["BTCUSDT"]}
    assert after[1]["said"] == liquidation(2)


def test_connection_lost_over_the_hour_is_not_extended(tmp_path: Path) -> None:
    clock = Clock(H.replace(minute=59))

    async def scene(listener: Listener) -> None:
        await until(lambda: listener.tally.state == "listening")
        clock.now = H + HOUR + HOUR / 2
        await asyncio.to_thread(server.drop)
        await until(lambda: listener.tally.connections == 2 and listener.tally.state == "listening")

    with streaming() as server:
        hears(tmp_path, server, scene, clock)
    assert marks(lines(tmp_path)) == ["connected", "subscribed"]
    assert marks(lines(tmp_path, hour="2026-01-05T12"))[:3] == ["disconnected", "connected", "subscribed"]
