"""Listening to the exchanges' liquidation streams: connect, subscribe, keep alive, write down, and again when it breaks.

Reconnecting and waiting longer each time an exchange cannot be reached is the library's work.
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
_PASSING = (408, 429)  # besides those that the library takes for passing


@dataclass
class Tally:
    """What a person wants to know of one exchange's stream; times in unix ms."""

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
        """How often the connection was made anew."""
        return max(0, self.connections - 1)


@dataclass(frozen=True)
class Pace:
    """Seconds: `beat` between signs of life, `breath` before following a connection that did not last."""

    beat_s: float = 20.0
    breath_s: float = 10.0


class Refused(Exception):
    """The exchange does not take the subscription: asking again would not help."""


class Listener:
    """One exchange's stream. `contracts` names the contracts to subscribe to, asked at each connection."""

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
        self._wanted: list[str] = []
        self._pending = 0

    async def listen(self) -> None:
        """Listens until it is cancelled, or the exchange refuses for good; `tally` says so."""
        try:
            async for connection in connect(self._url, process_exception=self._judge, close_timeout=2):
                began = time.monotonic()
                self._recorder.disconnected(await self._follow(connection))
                # a connection that was accepted is a success to the library, even if it ends at once
                if time.monotonic() - began < _LASTING_S:
                    await asyncio.sleep(self._pace.breath_s)
        except (WebSocketException, Refused) as error:
            self._recorder.disconnected(f"{error}")
            self.tally.state, self.tally.since_ms, self.tally.ended = f"refused: {error}", None, True
        except asyncio.CancelledError:
            self._recorder.disconnected("stopped")
            raise
        finally:
            self._recorder.close()

    async def _follow(self, connection: ClientConnection) -> str:
        """Hears one connection to its end. Returns why it ended."""
        self.tally.connections += 1
        self.tally.state, self.tally.since_ms = "connected", self._recorder.connected()
        both = [asyncio.ensure_future(work(connection)) for work in (self._hear, self._beat)]
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

    async def _hear(self, connection: ClientConnection) -> None:
        self._wanted = list(self._contracts())
        asked = self._stream.subscriptions(self._wanted)
        self._pending = len(asked)
        for message in asked:
            await connection.send(message)
        while True:
            self._take(await connection.recv(decode=True))

    def _take(self, message: str) -> None:
        at_ms = self._recorder.said(message)
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
                self._recorder.subscribed(None if self._stream.WHOLE_MARKET else self._wanted)
                self.tally.state = "listening"

    async def _beat(self, connection: ClientConnection) -> None:
        """Keeps the connection up, and notes that it is: a pong comes after all that was sent before it."""
        while True:
            await asyncio.sleep(self._pace.beat_s)
            if self._pending:
                await connection.close(reason="the subscription was not acknowledged")
            if self._stream.PING is not None:
                await connection.send(self._stream.PING)
            await (await connection.ping())
            self._recorder.alive()

    def _judge(self, error: Exception) -> Exception | None:
        """None for what may pass."""
        limited = isinstance(error, InvalidStatus) and error.response.status_code in _PASSING
        verdict = None if limited else process_exception(error)
        if verdict is None:
            self.tally.state = f"not reached ({error}); trying again"
        return verdict


async def listen_to_all(listeners: Sequence[Listener], tell: Callable[[], None], every_s: float) -> None:
    """Listens to all exchanges side by side until SIGINT or SIGTERM, or until none is left; tells now and then.

    Raises what the disk says when nothing more can be written.
    """
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    listening = asyncio.gather(*(each.listen() for each in listeners))
    others: list[asyncio.Future[Any]] = [asyncio.ensure_future(w) for w in (stopped.wait(), _tell(tell, every_s))]
    await asyncio.wait([listening, *others], return_when=asyncio.FIRST_COMPLETED)
    for each in (listening, *others):
        each.cancel()
    with suppress(asyncio.CancelledError):
        await listening


async def _tell(tell: Callable[[], None], every_s: float) -> None:
    while True:
        tell()
        await asyncio.sleep(every_s)
