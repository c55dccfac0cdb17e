"""The command `liq export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from warehouse.cli.options import Warehouse, settings_of
from warehouse.clock import parse_moment
from warehouse.errors import UserError

if TYPE_CHECKING:
    from expectations.contract import Table

From = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="First moment, e.g. --from 2026-01-05T00:00Z", show_default=False),
]
To = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="TIME", help="Last moment, inclusive, e.g. --to 2026-01-12T00:00Z", show_default=False
    ),
]
Coins = Annotated[str | None, typer.Option(help="Coins, e.g. --coins BTC,ETH; default: all", show_default=False)]
Exchanges = Annotated[
    str | None,
    typer.Option(help="Exchanges, e.g. --exchanges binance,bybit; default: all", show_default=False),
]


def export(
    table: Annotated[str, typer.Argument(help="A table, with or without its schema, e.g. mart.liquidation_levels")],
    out: Annotated[Path, typer.Option(help="Parquet, CSV or Arrow file, e.g. --out levels.parquet")],
    first: From = None,
    last: To = None,
    coins: Coins = None,
    exchanges: Exchanges = None,
    warehouse: Warehouse = None,
) -> None:
    """Export a range of a table to one Parquet, CSV or Arrow file of any size.

    Example: liq export liquidation_clusters --from 2026-01-05T00:00Z --to 2026-01-12T00:00Z --out clusters.parquet
    """
    from warehouse.catalog.build import connect
    from warehouse.catalog.export import ExportRequest, check_ending
    from warehouse.catalog.export import export as write
    from warehouse.cli.progress import show_progress
    from warehouse.storage.store import open_store

    check_ending(out)
    request = ExportRequest(
        _contract(table),
        None if first is None else parse_moment(first),
        None if last is None else parse_moment(last),
        tuple(name.upper() for name in _names("--coins", coins)),
        tuple(name.lower() for name in _names("--exchanges", exchanges)),
    )
    settings = settings_of(warehouse=warehouse)
    open_store(settings.root, settings.source, create=False)
    with connect(settings.root) as catalog, show_progress() as progress:
        rows = write(catalog, request, out, progress)
    print(f"wrote {out} ({rows:,} rows of {request.table.full_name}, {request.table.kind})")


def _contract(name: str) -> Table:
    from expectations.tables import table

    try:
        return table(name.lower())
    except KeyError as error:
        raise UserError(str(error.args[0])) from error


def _names(option: str, listed: str | None) -> list[str]:
    names = [name.strip() for name in (listed or "").split(",") if name.strip()]
    if listed is not None and not names:
        raise UserError(f"{option} is empty; leave it out for all")
    return names
