"""What listening needs before it begins: where streams are, which contracts there are, and nobody else listening."""

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
    """A listener for each exchange of the settings, each the only one of its warehouse.

    Raises UserError where there is no stream to listen to, or an exchange does not say which contracts it has; Busy where
    somebody listens already.
    """
    urls = settings.stream_urls()
    if without := [exchange for exchange in settings.exchanges if exchange not in urls]:
        raise UserError(
            f"{settings.source} exchanges have no liquidation streams: listen to the real ones with --source live, or "
            "set " + ", ".join(f"LIQ_{exchange.upper()}_STREAM_URL" for exchange in without)
        )
    store, clock = open_store(settings.root, settings.source, create=True), market_clock(settings)
    with ExitStack() as opened:
        made = []
        for exchange in settings.exchanges:
            opened.enter_context(_alone(store, exchange))
            contracts = _none if STREAMS[exchange].WHOLE_MARKET else _contracts(settings, store, exchange, opened)
            recorder = Recorder(store.root, exchange, clock)
            made.append(Listener(exchange, STREAMS[exchange], urls[exchange], recorder, contracts))
        yield made


@contextmanager
def _alone(store: Store, exchange: str) -> Iterator[None]:
    """The system lets go of the lock when its holder dies."""
    try:
        with FileLock(store.root / f".lock.listen.{exchange}", timeout=0):
            yield
    except Timeout as error:
        raise Busy(f"{exchange} is being recorded to {store.root} already; leave it out with --exchanges") from error


def _none() -> Sequence[str]:
    return ()


def _contracts(settings: Settings, store: Store, exchange: str, opened: ExitStack) -> Callable[[], Sequence[str]]:
    """The contracts as last listed, asked of the exchange where the warehouse does not know them yet."""
    served = opened.enter_context(serving(settings))
    asking = collecting(store, exchange, settings.source, served, settings.bar_minutes, Silent())
    collector: Collector = opened.enter_context(asking)

    def listed() -> list[str]:
        return [each.instrument for each in collector.contracts(settings.coins)]

    if not listed():
        collector.metadata(settings.coins)
    if not listed():
        wanted = ", ".join(settings.coins)
        raise UserError(f"{exchange} lists no contract on {wanted}, or did not answer; see: liq doctor")
    return listed
