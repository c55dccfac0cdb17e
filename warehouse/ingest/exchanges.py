"""The sources of payloads: real exchanges, or the simulator on loopback with a simulated or recorded market."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from warehouse.clock import from_ms, to_ms, utc_now
from warehouse.errors import UserError
from warehouse.settings import Settings


@dataclass(frozen=True)
class ExchangeEndpoints:
    """The addresses and the clock of the exchanges.

    `base_urls` is by host. `url` is that of the simulator, None if the addresses were configured. `clock` returns the
    market's time in unix ms.
    """

    base_urls: Mapping[str, str]
    url: str | None
    clock: Callable[[], int]

    @property
    def now(self) -> datetime:
        """The market's time, naive UTC."""
        return from_ms(self.clock())


@contextmanager
def serving(settings: Settings) -> Iterator[ExchangeEndpoints]:
    """Yield the endpoints of the exchanges. The simulator serves those without an address, and is stopped at the end.

    Only source `live` ever calls a real exchange.
    """
    clock = market_clock(settings)
    if settings.source == "live" or settings.urls_given:
        yield ExchangeEndpoints(settings.base_urls(), None, clock)
        return
    from warehouse.simulator import serve  # needs an extra that live data does without

    if settings.source == "recorded":
        _check_recording(settings)
        with serve(source="recorded", directory=settings.recorded, now_ms=clock, history_limits=False) as server:
            yield ExchangeEndpoints(settings.base_urls(server.url), server.url, clock)
    else:
        with serve(source="simulated", seed=settings.seed, now_ms=clock) as server:
            yield ExchangeEndpoints(settings.base_urls(server.url), server.url, clock)


def _check_recording(settings: Settings) -> None:
    """Raise UserError if a file of the recording is damaged."""
    from warehouse.simulator import Recorded

    try:
        Recorded(settings.recorded or Path())
    except ValueError as error:
        raise UserError(f"LIQ_RECORDED: {error}") from error


def market_clock(settings: Settings) -> Callable[[], int]:
    """Return a clock of the market, in unix ms: it starts at LIQ_NOW or at a recording's end, or is the wall clock."""
    if settings.now is not None:
        start_ms = to_ms(settings.now)
    elif settings.source == "recorded" and settings.recorded is not None:
        from warehouse.simulator import recorded_range

        try:
            start_ms = recorded_range(settings.recorded)[1]
        except (FileNotFoundError, ValueError) as error:
            raise UserError(f"LIQ_RECORDED: {error}") from error
    else:
        return lambda: to_ms(utc_now())
    began = time.monotonic()
    return lambda: start_ms + int(1000 * (time.monotonic() - began))
