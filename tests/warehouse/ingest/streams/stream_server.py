"""An exchange's stream on loopback: acknowledges subscriptions, answers heartbeats, sends a test's messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Condition, Thread

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

START = 1767571200000
PATIENCE_S = 30


def liquidation(number: int) -> str:
    """Return Bybit's message of the `number`th liquidation."""
    event = {"T": START + number, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "100"}
    return json.dumps({"topic": "allLiquidation.BTCUSDT", "ts": START + number, "data": [event]})


class StreamServer:
    """A stream server that records messages by connection; its waits end on a condition, not after a time."""

    def __init__(self, *, deaf: bool = False, refuses: bool = False) -> None:
        self.url = ""
        self.heard: list[list[str]] = []
        self.paths: list[str] = []
        self.deaf, self.refuses = deaf, refuses
        self._open: list[ServerConnection] = []
        self._changed = Condition()

    def handle(self, connection: ServerConnection) -> None:
        """Serve one connection until it ends."""
        mine: list[str] = []
        with self._changed:
            self.heard.append(mine)
            self.paths.append(connection.request.path if connection.request else "")
            self._open.append(connection)
            self._changed.notify_all()
        with suppress(ConnectionClosed):
            for message in connection:
                with self._changed:
                    mine.append(str(message))
                    self._changed.notify_all()
                if answer := self._answer(str(message)):
                    connection.send(answer)

    def _answer(self, message: str) -> str:
        if message == "ping":
            return "pong"
        said = json.loads(message)
        if said["op"] == "ping":
            return json.dumps({"success": True, "ret_msg": "pong", "op": "ping"})
        if "channel" in message:
            return json.dumps({"event": "subscribe", "arg": said["args"][0]})
        about = {"ret_msg": "handler not found" if self.refuses else "", "op": "subscribe"}
        return "" if self.deaf else json.dumps({"success": not self.refuses, **about})

    def await_heard(self, connection: int, count: int = 1) -> list[str]:
        """Return the messages of the `connection`th connection once there are `count`."""
        with self._changed:
            done = self._changed.wait_for(
                lambda: len(self.heard) > connection and len(self.heard[connection]) >= count, PATIENCE_S
            )
            assert done, self.heard
            return list(self.heard[connection])

    def send(self, *messages: str) -> int:
        """Send to the last connection; return the number of messages sent before it closed."""
        sent = 0
        for message in messages:
            try:
                self._open[-1].send(message)
            except (ConnectionClosed, OSError):
                break
            sent += 1
        return sent

    def drop(self) -> None:
        """Close the last connection."""
        self._open[-1].close()


@contextmanager
def streaming(*, deaf: bool = False, refuses: bool = False) -> Iterator[StreamServer]:
    """Serve a stream; a `deaf` one does not acknowledge subscriptions."""
    exchange = StreamServer(deaf=deaf, refuses=refuses)
    with serve(exchange.handle, "127.0.0.1", 0) as server:
        exchange.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield exchange
        server.shutdown()
