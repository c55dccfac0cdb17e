"""The command `liq listen`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import typer

from warehouse.cli.options import Coins, Exchanges, Source, Warehouse, settings_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from rich.live import Live
    from rich.table import Table

    from warehouse.ingest.streams.listener import Listener, Tally

_PARTIAL = 3
_COLUMNS = ("exchange", "state", "since", "messages", "liquidations", "last", "reconnects")


def listen(
    coins: Coins = None, exchanges: Exchanges = None, source: Source = None, warehouse: Warehouse = None
) -> None:
    """Record the exchanges' liquidation streams until Ctrl-C; the hourly run loads each completed hour.

    Example: liq listen --source live --exchanges bybit,okx
    """
    settings = settings_of(coins=coins, exchanges=exchanges, source=source, warehouse=warehouse)
    import asyncio

    from warehouse.ingest.streams.listener import listen_to_all
    from warehouse.ingest.streams.session import listeners

    with ExitStack() as stack:
        streams = stack.enter_context(listeners(settings))
        _say(f"Recording to {settings.root / 'raw' / 'streams'}; stop with Ctrl-C")
        if sys.stderr.isatty():
            shown = stack.enter_context(_on_terminal(streams))
            asyncio.run(listen_to_all(streams, shown.refresh, every_s=1))
        else:
            asyncio.run(listen_to_all(streams, lambda: _say(_lines(streams)), every_s=60))
    _say(f"Stopped. {_lines(streams)}")
    ended = [each.tally for each in streams if each.tally.ended]
    if len(ended) == len(streams):
        from warehouse.errors import UserError

        raise UserError("; ".join(f"{each.exchange} {each.state}" for each in ended) + "; see: liq doctor")
    raise typer.Exit(_PARTIAL if ended else 0)


def _on_terminal(streams: Sequence[Listener]) -> AbstractContextManager[Live]:
    from rich.console import Console
    from rich.live import Live

    return Live(console=Console(stderr=True), get_renderable=lambda: _table(streams), auto_refresh=False)


def _table(streams: Sequence[Listener]) -> Table:
    from rich.table import Table

    table = Table(*_COLUMNS, box=None)
    for each in streams:
        table.add_row(each.tally.exchange, *_cells(each.tally))
    return table


def _cells(tally: Tally) -> tuple[str, ...]:
    counts = (f"{tally.messages:,}", f"{tally.events:,}", _time(tally.last_event_ms), f"{tally.reconnects}")
    return (tally.state, _time(tally.since_ms), *counts)


def _lines(streams: Sequence[Listener]) -> str:
    """Return the state and counts of all exchanges in one line."""
    parts = []
    for each in streams:
        state, since, messages, events, last, reconnects = _cells(each.tally)
        unreadable = f" ({each.tally.unreadable} unreadable)" if each.tally.unreadable else ""
        parts.append(
            f"{each.tally.exchange} {state} since {since}: {messages} messages{unreadable}, {events} liquidations, "
            f"last {last}, {reconnects} reconnects"
        )
    return "; ".join(parts)


def _time(ms: int | None) -> str:
    from warehouse.clock import from_ms

    return "-" if ms is None else f"{from_ms(ms):%H:%M:%S}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
