"""The commands `liq backfill` and `liq rebuild`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from warehouse.cli.options import Coins, Exchanges, Recorded, Source, Warehouse, settings_of
from warehouse.time_range import hour_range, validate_range

if TYPE_CHECKING:
    import polars as pl

    from transforms.exchanges.retention import Retention

From = Annotated[
    str, typer.Option("--from", metavar="TIME", help="First hour, e.g. --from 2025-12-01T00:00Z", show_default=False)
]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="TIME", help="Last hour, inclusive; default: the last full hour", show_default=False),
]

Workers = Annotated[int | None, typer.Option(min=1, help="Coins to build in parallel; default: the number of cores")]


class Layer(StrEnum):
    """The layer that a rebuild starts from."""

    RAW = "raw"


def backfill(
    first: From,
    last: To = None,
    coins: Coins = None,
    exchanges: Exchanges = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Rebuild every map of the range")] = False,
    workers: Workers = None,
    source: Source = None,
    recorded: Recorded = None,
    warehouse: Warehouse = None,
) -> None:
    """Load a past range from archives and APIs and rebuild its dependents; repeat the command to resume.

    Example: liq backfill --from 2025-12-01T00:00Z --to 2026-01-12T00:00Z --coins BTC,ETH --dry-run
    """
    validate_range(None, first, None, None)
    settings = settings_of(coins=coins, exchanges=exchanges, source=source, recorded=recorded, warehouse=warehouse)
    from transforms.exchanges.retention import retention
    from warehouse.cli.output import printer, table
    from warehouse.cli.progress import show_progress
    from warehouse.cli.summary import exit_code, show
    from warehouse.ingest.addresses import pointed
    from warehouse.ingest.exchanges import serving
    from warehouse.pipeline import graph
    from warehouse.pipeline import run as pipeline
    from warehouse.plan import Plan
    from warehouse.storage.store import Store

    with serving(settings) as served:
        begin, end = hour_range(served.now, None, first, last)
        plan = Plan.of_range(begin, end, settings)
        available = [r for each in plan.exchanges for r in retention(each, begin, end, served.now)]
        printer().print(table(_rows(available), "Planned requests, by the exchanges' documented retention"))
        for name, hours in graph.hours_after(Store(settings.root), plan).items():
            print(f"{name}: {hours:,} published hours after {end:%Y-%m-%dT%H:%MZ} are rebuilt if their inputs change")
        if dry_run:
            return
        with show_progress() as progress:
            summary = pipeline.backfill(
                pointed(settings, served), begin, end, again=rebuild, workers=workers, progress=progress, served=served
            )
    show(summary)
    raise typer.Exit(exit_code(summary))


def rebuild(
    from_: Annotated[Layer, typer.Option("--from", help="The layer to start from: raw")],
    coins: Coins = None,
    workers: Workers = None,
    source: Source = None,
    warehouse: Warehouse = None,
) -> None:
    """Rebuild every table from the stored responses, without any request to an exchange.

    Example: liq rebuild --from raw
    """
    settings = settings_of(coins=coins, source=source, warehouse=warehouse)
    from warehouse.cli.progress import show_progress
    from warehouse.cli.summary import exit_code, show
    from warehouse.pipeline import run as pipeline

    with show_progress() as progress:
        summary = pipeline.rebuild(settings, workers=workers, progress=progress)
    show(summary)
    raise typer.Exit(exit_code(summary))


def _rows(available: list[Retention]) -> pl.DataFrame:
    import polars as pl

    columns = ("exchange", "series", "first_utc", "last_utc", "from", "note")
    rows = [
        (r.exchange, r.series, f"{r.first:%Y-%m-%d %H:%M}", f"{r.last:%Y-%m-%d %H:%M}", r.source or "nowhere", r.note)
        for r in available
    ]
    return pl.DataFrame(rows, schema=columns, orient="row")
