"""The command `liq hit-rate`: does the mark touch clusters more often than other levels?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from warehouse.cli.options import Out, Rows, Warehouse, settings_of
from warehouse.cli.output import Format, emit
from warehouse.clock import parse_hour
from warehouse.errors import UserError

if TYPE_CHECKING:
    import polars as pl

Coin = Annotated[str, typer.Argument(help="A coin of the warehouse, e.g. BTC; or all, pooled", show_default=False)]
First = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="TIME", help="First hour, e.g. --from 2025-12-01T00:00Z; default: all", show_default=False
    ),
]
Last = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="TIME", help="Last hour, e.g. --to 2026-01-12T00:00Z; default: the latest", show_default=False
    ),
]


def hit_rate(
    coin: Coin,
    first: First = None,
    last: Last = None,
    form: Rows = Format.TABLE,
    out: Out = None,
    warehouse: Warehouse = None,
) -> None:
    """Compare how often the mark touches clusters with how often it touches other levels at the same distance.

    Within 1, 2 and 5 %, in 1, 4 and 24 hours. A 95 % interval of the difference that includes 0 shows no effect.

    Example: liq hit-rate BTC --from 2025-12-01T00:00Z --to 2026-01-12T00:00Z
    """
    begin, end = (parse_hour(text) if text else None for text in (first, last))
    if begin and end and begin > end:
        raise UserError(f"--from {first} is after --to {last}; swap them")
    from warehouse.catalog.build import connect
    from warehouse.cli.progress import show_progress
    from warehouse.evaluation.hit_rate import hit_rates
    from warehouse.storage.store import open_store

    settings = settings_of(warehouse=warehouse)
    open_store(settings.root, settings.source, create=False)
    name = "all" if coin.lower() == "all" else coin.upper()
    with show_progress() as progress, connect(settings.root) as catalog:
        rows = hit_rates(catalog, name, begin, end, progress)
    if form is Format.TABLE:
        rows = rounded(rows)
    emit(rows, form, out, title=f"{name}: hit rate of clusters and of other levels (modelled)")


def rounded(rows: pl.DataFrame) -> pl.DataFrame:
    """Round rates to 0.01 %, which is finer than the intervals."""
    import polars as pl

    return rows.with_columns(pl.col(pl.Float64).round(4))
