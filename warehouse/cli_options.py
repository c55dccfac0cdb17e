"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from warehouse.cli_output import Format

if TYPE_CHECKING:
    from warehouse.settings import Settings

Warehouse = Annotated[
    Path | None,
    typer.Option(help="Folder of the tables (LIQ_WAREHOUSE), e.g. --warehouse ~/liquidations", show_default=False),
]
Source = Annotated[
    str | None,
    typer.Option(
        metavar="simulated|recorded|live",
        help="Where data comes from (LIQ_SOURCE), e.g. --source live",
        show_default=False,
    ),
]
Recorded = Annotated[
    Path | None,
    typer.Option(help="Folder of recorded files (LIQ_RECORDED), e.g. --recorded recordings", show_default=False),
]
Coins = Annotated[
    str | None, typer.Option(help="Coins, or `all` (LIQ_COINS), e.g. --coins BTC,ETH", show_default=False)
]
Exchanges = Annotated[
    str | None, typer.Option(help="Venues to ask (LIQ_EXCHANGES), e.g. --exchanges binance,bybit", show_default=False)
]
AsOf = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="The hour of this moment, e.g. --as-of 2026-01-12T00:00Z; default: the last",
        show_default=False,
    ),
]
Rows = Annotated[Format, typer.Option("--format", help="How rows come out, e.g. --format csv; parquet needs --out")]
Out = Annotated[
    Path | None, typer.Option(help="File to write instead of printing, e.g. --out rows.parquet", show_default=False)
]
Coin = Annotated[str, typer.Argument(help="A coin of the warehouse, e.g. BTC", show_default=False)]


def settings_of(**overrides: Any) -> Settings:
    """The settings, with what the command line overrides."""
    from warehouse.settings import load

    return load(**overrides)
