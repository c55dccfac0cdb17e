"""The simulated exchanges as a context manager: served by a thread of this process until the block ends."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import uvicorn

from warehouse.simulator.market.market import Market
from warehouse.simulator.recorded.recorded import Recorded, recorded_range
from warehouse.simulator.server.faults import Faults
from warehouse.simulator.server.server import Exchange, wall_clock

STARTUP_SECONDS = 10.0
Now = int | Callable[[], int] | None


@dataclass(frozen=True)
class Simulation:
    """A running server. ``url`` is the base address of all three exchanges."""

    url: str
    faults: Faults
    source: Market | Recorded
    exchange: Exchange

    @property
    def market(self) -> Market:
        """The simulated market, with its true positions. Raises TypeError for a recorded source, which has none."""
        if not isinstance(self.source, Market):
            raise TypeError("recorded data has no true positions; use source 'simulated'")
        return self.source


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises OSError naming the host and port if they cannot be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot serve on {host} port {port}: {error.strerror}") from error
    return listener


def _clock(now_ms: Now, default: Callable[[], int]) -> Callable[[], int]:
    if now_ms is None:
        return default
    if callable(now_ms):
        return now_ms
    fixed = int(now_ms)
    return lambda: fixed


@contextmanager
def serve(
    source: Literal["simulated", "recorded"] = "simulated",
    *,
    seed: int = 7,
    now_ms: Now = None,
    port: int = 0,
    host: str = "127.0.0.1",
    directory: Path | None = None,
    history_limits: bool = True,
) -> Iterator[Simulation]:
    """Serve Binance, Bybit and OKX over HTTP until the block ends.

    ``now_ms`` is the server's clock: an instant, a function, or None for the wall clock (recorded data: its end).
    ``history_limits=False`` lifts the exchanges' limits on the age of data. ``port`` 0 takes any free one.
    """
    market: Market | Recorded
    if source == "recorded":
        if directory is None:
            raise ValueError("a recorded source needs its directory of files")
        market = Recorded(directory)
        clock = _clock(now_ms, lambda: recorded_range(directory)[1])
    else:
        market, clock = Market(seed), _clock(now_ms, wall_clock)
    listener = _listen(host, port)
    faults = Faults()
    exchange = Exchange(market, clock, faults, history_limits)
    server = uvicorn.Server(
        uvicorn.Config(
            exchange.app(), log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="simulator", daemon=True)
    thread.start()
    try:
        _await_start(server, thread)
        shown = f"[{host}]" if ":" in host else host
        yield Simulation(f"http://{shown}:{listener.getsockname()[1]}", faults, market, exchange)
    finally:
        server.should_exit = True
        thread.join(STARTUP_SECONDS)
        listener.close()


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError(f"the simulated exchanges did not start within {STARTUP_SECONDS:g} s")
        time.sleep(0.005)
