"""The listener of liquidation streams: it connects, subscribes, keeps the connection alive and records messages.

The WebSocket library reconnects, with growing pauses while an exchange cannot be reached.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.client import process_exception
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from transforms.exchanges.protocol import BadPayload
from transforms.exchanges.stream import Stream
from warehouse.ingest.streams.recordings import Recorder

_LASTING_S = 60.0
_TEMPORARY = (408, 429)  # statuses to retry that the library does not retry


@dataclass
class Tally:
    """The state and the counts of one exchange's stream, for display; times in unix ms."""

    exchange: str
    state: str = "connecting"
    since_ms: int | None = None
    messages: int = 0
    unreadable: int = 0
    events: int = 0
    last_event_ms: int | None = None
    connections: int = 0
    ended: bool = False

    @property
    def reconnects(self) -> int:
        """The number of connections after the first."""
        return max(0, self.connections - 1)


@dataclass(frozen=True)
class Pace:
    """Seconds between heartbeats, and the pause in seconds after a connection that did not last."""

    beat_s: float = 20.0
    pause_s: float = 10.0


class Refused(Exception):
    """The exchange refuses the subscription: a retry would not help."""


class Listener:
    """One exchange's stream. `contracts` returns the contracts to subscribe to; it is called for each connection."""

    def __init__(
        self,
        exchange: str,
        stream: Stream,
        url: str,
        recorder: Recorder,
        contracts: Callable[[], Sequence[str]],
        pace: Pace = Pace(),
    ) -> None:
        self.tally = Tally(exchange)
        self._stream, self._url = stream, f"{url}{stream.PATH}"
        self._recorder, self._contracts, self._pace = recorder, contracts, pace
        self._subscribed: list[str] = []
        self._pending = 0

    async def listen(self) -> None:
        """Listen until cancelled, or until the exchange refuses for good, as `tally` then shows."""
        try:
            async for connection in connect(self._url, process_exception=self._classify_error, close_timeout=2):
                began = time.monotonic()
                self._recorder.record_disconnected(await self._follow(connection))
                # to the library an accepted connection is a success, even if it ends at once
                if time.monotonic() - began < _LASTING_S:
                    await asyncio.sleep(self._pace.pause_s)
        except (WebSocketException, Refused) as error:
            self._recorder.record_disconnected(f"{error}")
            self.tally.state, self.tally.since_ms, self.tally.ended = f"refused: {error}", None, True
        except asyncio.CancelledError:
            self._recorder.record_disconnected("stopped")
            raise
        finally:
            self._recorder.close()

    async def _follow(self, connection: ClientConnection) -> str:
        """Receive from one connection to its end. Returns the reason of the end."""
        self.tally.connections += 1
        self.tally.state, self.tally.since_ms = "connected", self._recorder.record_connected()
        both = [asyncio.ensure_future(work(connection)) for work in (self._receive, self._keep_alive)]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await connection.close()
        ends = [end for end in await asyncio.gather(*both, return_exceptions=True) if isinstance(end, Exception)]
        for end in ends:
            if not isinstance(end, ConnectionClosed):
                raise end
        why = str(ends[0])
        self.tally.state, self.tally.since_ms = f"connection lost ({why}); connecting", None
        return why

    async def _receive(self, connection: ClientConnection) -> None:
        self._subscribed = list(self._contracts())
        subscriptions = self._stream.subscriptions(self._subscribed)
        self._pending = len(subscriptions)
        for message in subscriptions:
            await connection.send(message)
        while True:
            self._process(await connection.recv(decode=True))

    def _process(self, message: str) -> None:
        at_ms = self._recorder.record_message(message)
        self.tally.messages += 1
        try:
            heard = self._stream.hear(message)
        except BadPayload:
            self.tally.unreadable += 1
            return
        if heard.refused is not None:
            raise Refused(heard.refused)
        if heard.rows:
            self.tally.events += len(heard.rows)
            self.tally.last_event_ms = at_ms
        if heard.acknowledged:
            self._pending -= 1
            if self._pending == 0:
                self._recorder.record_subscribed(None if self._stream.WHOLE_MARKET else self._subscribed)
                self.tally.state = "listening"

    async def _keep_alive(self, connection: ClientConnection) -> None:
        """Ping the connection and record each pong, which comes after all messages sent before it."""
        while True:
            await asyncio.sleep(self._pace.beat_s)
            if self._pending:
                await connection.close(reason="the subscription was not acknowledged")
            if self._stream.PING is not None:
                await connection.send(self._stream.PING)
            await (await connection.ping())
            self._recorder.record_alive()

    def _classify_error(self, error: Exception) -> Exception | None:
        """Return None for an error to retry, else the error."""
        temporary = isinstance(error, InvalidStatus) and error.response.status_code in _TEMPORARY
        fatal = None if temporary else process_exception(error)
        if fatal is None:
            self.tally.state = f"not reached ({error}); trying again"
        return fatal


async def listen_to_all(listeners: Sequence[Listener], report: Callable[[], None], every_s: float) -> None:
    """Listen to all exchanges side by side until SIGINT or SIGTERM, or until all have ended.

    Calls `report` every `every_s` seconds. Raises OSError if the disk accepts no more data.
    """
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    listening = asyncio.gather(*(each.listen() for each in listeners))
    others: list[asyncio.Future[Any]] = [asyncio.ensure_future(w) for w in (stopped.wait(), _repeat(report, every_s))]
    await asyncio.wait([listening, *others], return_when=asyncio.FIRST_COMPLETED)
    for each in (listening, *others):
        each.cancel()
    with suppress(asyncio.CancelledError):
        await listening


async def _repeat(report: Callable[[], None], every_s: float) -> None:
    while True:
        report()
        await asyncio.sleep(every_s)
