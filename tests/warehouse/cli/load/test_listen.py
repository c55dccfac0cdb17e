"""`liq listen` as a process: its output, its end, and its files after a kill."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import pytest
from typer.testing import CliRunner

from tests.warehouse.ingest.streams.stream_server import PATIENCE_S, StreamServer, liquidation, streaming
from tests.warehouse.trial import NOW, Trial, python
from transforms.exchanges import recording
from warehouse.cli.main import app
from warehouse.simulator import Simulation

RUN = "from warehouse.cli.main import app; app(prog_name='liq')"
HOUR = f"{NOW:%Y-%m-%dT}13"
SUBSCRIBED = b'"mark":"subscribed"'


@pytest.fixture
def exchange() -> Iterator[StreamServer]:
    with streaming() as served:
        yield served


class Listening:
    """A `liq listen` process over Bybit's simulated REST and a stream on loopback."""

    def __init__(self, trial: Trial, exchange: StreamServer) -> None:
        about = {"LIQ_WAREHOUSE": trial.root, "LIQ_NOW": f"{NOW.isoformat()}Z", "LIQ_COINS": "BTC"}
        about |= {"LIQ_EXCHANGES": "bybit", "LIQ_BYBIT_URL": trial.url, "LIQ_BYBIT_STREAM_URL": exchange.url}
        others = {name: value for name, value in os.environ.items() if not name.startswith("LIQ_")}
        env = others | {name: str(value) for name, value in about.items()}
        self.path = trial.root / f"raw/streams/bybit/{HOUR}.jsonl"
        self.process = python(RUN, "listen", env=env)

    def said(self) -> list[str]:
        """Return the liquidations on disk."""
        if not self.path.is_file():
            return []
        return [e["said"] for e in recording.read(self.path.read_bytes()) if "topic" in e.get("said", "")]

    def end(self, number: signal.Signals) -> str:
        self.process.send_signal(number)
        told = self.process.communicate(timeout=PATIENCE_S)[1]
        assert "Traceback" not in told, told
        return told


def until(holds: Callable[[], object]) -> None:
    deadline = monotonic() + PATIENCE_S
    while not holds():
        assert monotonic() < deadline
        sleep(0.005)


@pytest.fixture
def trial(exchanges: Simulation, tmp_path: Path) -> Trial:
    return Trial(tmp_path / "warehouse", exchanges.url)


def listening_to(exchange: StreamServer, listener: Listening) -> None:
    exchange.await_heard(len(exchange.heard) - 1 if exchange.heard else 0)
    until(lambda: listener.path.is_file() and SUBSCRIBED in listener.path.read_bytes())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_the_listener(trial: Trial, exchange: StreamServer, number: signal.Signals) -> None:
    listener = Listening(trial, exchange)
    listening_to(exchange, listener)
    exchange.send(*map(liquidation, range(3)))
    until(lambda: len(listener.said()) == 3)
    told = listener.end(number)
    assert listener.process.returncode == 0
    assert f"Recording to {trial.root / 'raw' / 'streams'}" in told
    assert "4 messages, 3 liquidations" in told
    assert recording.read(listener.path.read_bytes())[-1]["why"] == "stopped"


def killed(trial: Trial, exchange: StreamServer, connection: int) -> tuple[list[str], list[str], list[str]]:
    """Kill a listener during a burst; return the messages on disk before the kill, on disk after it, and sent."""
    listener = Listening(trial, exchange)
    before = len(listener.said())
    exchange.await_heard(connection)
    until(lambda: listener.path.is_file() and listener.path.read_bytes().count(SUBSCRIBED) == connection + 1)
    sent: list[str] = []

    def send() -> None:
        while exchange.send(message := liquidation(connection * 10**6 + len(sent))):
            sent.append(message)

    sender = Thread(target=send)
    sender.start()
    until(lambda: len(listener.said()) > before + 200)
    seen = listener.said()[before:]
    listener.process.kill()
    listener.process.communicate()
    sender.join(PATIENCE_S)
    assert not sender.is_alive()
    return seen, listener.said()[before:], sent


def test_killed_listener_keeps_received_messages(trial: Trial, exchange: StreamServer) -> None:
    """The messages on disk are a complete prefix of the sent ones, in order; the next listener continues the file."""
    for connection in range(2):
        seen, kept, sent = killed(trial, exchange, connection)
        assert kept[: len(seen)] == seen
        assert kept == sent[: len(kept)]
    body = (trial.root / f"raw/streams/bybit/{HOUR}.jsonl").read_bytes()
    assert len(recording.listened(body)) == 2


def test_second_listener_of_an_exchange_is_refused(trial: Trial, exchange: StreamServer) -> None:
    first = Listening(trial, exchange)
    listening_to(exchange, first)
    second = Listening(trial, exchange)
    told = second.process.communicate(timeout=PATIENCE_S)[1]
    assert second.process.returncode == 1
    assert "bybit is being recorded" in told
    assert "--exchanges" in told
    first.end(signal.SIGTERM)


def test_simulated_source_without_stream_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(
        app, ["listen", "--warehouse", str(tmp_path / "w"), "--exchanges", "okx"], prog_name="liq"
    )
    assert result.exit_code == 2
    assert "simulated exchanges have no liquidation streams" in result.stderr
    assert "LIQ_OKX_STREAM_URL" in result.stderr
    assert not (tmp_path / "w").exists()


def test_refused_subscription_ends_the_listener(trial: Trial) -> None:
    with streaming(refuses=True) as exchange:
        listener = Listening(trial, exchange)
        told = listener.process.communicate(timeout=PATIENCE_S)[1]
    assert listener.process.returncode == 2
    assert "bybit refused: handler not found; see: liq doctor" in told
