"""The set-up of listeners: the addresses of streams, the contracts, and a lock for one listener per exchange."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from filelock import FileLock, Timeout

from transforms.exchanges.recording import STREAMS
from warehouse.errors import Busy, UserError
from warehouse.ingest.collector import Collector, collecting
from warehouse.ingest.exchanges import market_clock, serving
from warehouse.ingest.streams.listener import Listener
from warehouse.ingest.streams.recordings import Recorder
from warehouse.progress import Silent
from warehouse.settings import Settings
from warehouse.storage.store import Store, open_store


@contextmanager
def listeners(settings: Settings) -> Iterator[list[Listener]]:
    """Yield a listener for each exchange of the settings, each the only one in its warehouse.

    Raises UserError if there is no stream to listen to or an exchange does not list its contracts, Busy if another
    process listens already.
    """
    urls = settings.stream_urls()
    if without := [exchange for exchange in settings.exchanges if exchange not in urls]:
        raise UserError(
            f"{settings.source} exchanges have no liquidation streams: listen to the real ones with --source live, or "
            "set " + ", ".join(f"LIQ_{exchange.upper()}_STREAM_URL" for exchange in without)
        )
    store, clock = open_store(settings.root, settings.source, create=True), market_clock(settings)
    with ExitStack() as stack:
        ready = []
        for exchange in settings.exchanges:
            stack.enter_context(_lock(store, exchange))
            whole_market = STREAMS[exchange].WHOLE_MARKET
            contracts = _no_contracts if whole_market else _contracts(settings, store, exchange, stack)
            recorder = Recorder(store.root, exchange, clock)
            ready.append(Listener(exchange, STREAMS[exchange], urls[exchange], recorder, contracts))
        yield ready


@contextmanager
def _lock(store: Store, exchange: str) -> Iterator[None]:
    """Hold the lock of an exchange's recording; the operating system releases it if the process dies."""
    try:
        with FileLock(store.root / f".lock.listen.{exchange}", timeout=0):
            yield
    except Timeout as error:
        raise Busy(f"{exchange} is being recorded to {store.root} already; leave it out with --exchanges") from error


def _no_contracts() -> Sequence[str]:
    return ()


def _contracts(settings: Settings, store: Store, exchange: str, stack: ExitStack) -> Callable[[], Sequence[str]]:
    """Return a function that lists the contracts as last stored; the first list comes from the exchange if needed."""
    endpoints = stack.enter_context(serving(settings))
    opened = collecting(store, exchange, settings.source, endpoints, settings.bar_minutes, Silent())
    collector: Collector = stack.enter_context(opened)

    def listed() -> list[str]:
        return [each.instrument for each in collector.contracts(settings.coins)]

    if not listed():
        collector.metadata(settings.coins)
    if not listed():
        wanted = ", ".join(settings.coins)
        raise UserError(f"{exchange} lists no contract on {wanted}, or did not answer; see: liq doctor")
    return listed
