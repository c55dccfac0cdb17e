"""Options shared by several commands."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from warehouse.cli.output import Format
from warehouse.clock import parse_moment, utc_now
from warehouse.errors import UserError

if TYPE_CHECKING:
    import duckdb

    from transforms.charts.snapshot import Snapshot
    from warehouse.settings import Settings

Warehouse = Annotated[
    Path | None,
    typer.Option(help="Folder of the warehouse (LIQ_WAREHOUSE), e.g. --warehouse ~/liquidations", show_default=False),
]
Source = Annotated[
    str | None,
    typer.Option(
        metavar="simulated|recorded|live",
        help="Data source (LIQ_SOURCE), e.g. --source live",
        show_default=False,
    ),
]
Recorded = Annotated[
    Path | None,
    typer.Option(help="Folder of recorded files (LIQ_RECORDED), e.g. --recorded recordings", show_default=False),
]
Coins = Annotated[str | None, typer.Option(help="Coins or all (LIQ_COINS), e.g. --coins BTC,ETH", show_default=False)]
Exchanges = Annotated[
    str | None,
    typer.Option(help="Exchanges (LIQ_EXCHANGES), e.g. --exchanges binance,bybit", show_default=False),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Hour of the map, e.g. --as-of 2026-01-12T00:00Z; default: the latest",
        show_default=False,
    ),
]
Rows = Annotated[Format, typer.Option("--format", help="Output format, e.g. --format csv; parquet needs --out")]
Out = Annotated[
    Path | None, typer.Option(help="File to write instead of printing, e.g. --out rows.parquet", show_default=False)
]
Coin = Annotated[str, typer.Argument(help="A coin of the warehouse, e.g. BTC", show_default=False)]


def settings_of(**overrides: Any) -> Settings:
    """Return the settings with the overrides of the command line."""
    from warehouse.settings import load

    return load(**overrides)


def one_of(kind: str, given: str, known: Iterable[str]) -> str:
    """Return `given` if it is a known `kind`. Raises UserError that lists the known ones."""
    if given not in known:
        raise UserError(f"unknown {kind} {given!r}; there are {', '.join(known)}")
    return given


def open_catalog(warehouse: Path | None) -> duckdb.DuckDBPyConnection:
    """Open the warehouse's catalog for reading. Raises UserError if there is no usable one."""
    from warehouse.catalog.build import connect
    from warehouse.storage.store import open_store

    settings = settings_of(warehouse=warehouse)
    open_store(settings.root, settings.source, create=False)
    return connect(settings.root)


def market_of(catalog: duckdb.DuckDBPyConnection, coin: str, as_of: str | None, warehouse: Path | None) -> Snapshot:
    """Return the coin's map at an hour. Raises UserError for an unknown coin and for an hour without a map."""
    from warehouse.catalog.snapshot_queries import snapshot

    moment = parse_moment(as_of) if as_of else None
    now = settings_of(warehouse=warehouse).now or utc_now()
    if moment and moment > now:
        raise UserError(f"--as-of {as_of} is in the future; it is {now:%Y-%m-%dT%H:%MZ} now")
    return snapshot(catalog, coin.upper(), moment)


def wrote(out: Path, market: Snapshot) -> str:
    """Return the line that a command prints after writing a chart."""
    return f"wrote {out} (modelled; {market.source} data; {market.hour:%Y-%m-%d %H:%M} UTC)"
