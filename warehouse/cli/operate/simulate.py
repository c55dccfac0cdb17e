"""The server of simulated or recorded exchanges, for requests by hand."""

from __future__ import annotations

import signal
import threading
from typing import Literal

from warehouse.errors import UserError
from warehouse.ingest.addresses import exports
from warehouse.ingest.exchanges import market_clock
from warehouse.settings import Settings
from warehouse.simulator import serve


def keep_serving(settings: Settings, port: int) -> None:
    """Serve until Ctrl-C or TERM and print the address. Raises UserError if the port is in use."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    source: Literal["recorded", "simulated"] = "recorded" if settings.source == "recorded" else "simulated"
    clock = market_clock(settings)
    try:
        with serve(source, seed=settings.seed, now_ms=clock, directory=settings.recorded, port=port) as exchanges:
            print(f"Binance, Bybit and OKX ({source} data, no real market) at {exchanges.url}; stop with Ctrl-C")
            print("To use them from another terminal:")
            for variable, url in exports(exchanges.url).items():
                print(f"  export {variable}={url}")
            print(f"  export LIQ_SOURCE={source}", flush=True)
            stopped.wait()
    except OSError as error:
        raise UserError(
            f"{error.strerror or error}; stop the process on that port, or choose another: liq simulate --port 8901"
        ) from error
    print("stopped")
