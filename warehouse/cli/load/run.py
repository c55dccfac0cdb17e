"""The commands `liq run`, `liq check`, `liq quickstart` and `liq up`."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from warehouse.cli.options import Coins, Exchanges, Out, Recorded, Rows, Source, Warehouse, settings_of
from warehouse.cli.output import Format, emit
from warehouse.time_range import hour_range, validate_range

Hour = Annotated[
    str | None, typer.Option(metavar="TIME", help="One hour, e.g. --hour 2026-01-12T00:00Z", show_default=False)
]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="First hour, e.g. --from 2026-01-05T00:00Z", show_default=False),
]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="TIME", help="Last hour, inclusive, e.g. --to 2026-01-12T00:00Z", show_default=False),
]
Hours = Annotated[
    int | None,
    typer.Option(min=1, help="Number of hours up to --to or the last full hour, e.g. --hours 24", show_default=False),
]
Docs = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Folder for HTML pages of the checks, e.g. --docs checks",
        show_default=False,
    ),
]


def run(
    hour: Hour = None,
    first: From = None,
    last: To = None,
    hours: Hours = None,
    coins: Coins = None,
    exchanges: Exchanges = None,
    source: Source = None,
    recorded: Recorded = None,
    warehouse: Warehouse = None,
) -> None:
    """Collect, normalise, estimate, check, publish and report: the last full hour, or the given hours.

    Example: liq run --from 2026-01-05T00:00Z --to 2026-01-12T00:00Z --coins BTC,ETH
    """
    validate_range(hour, first, last, hours)
    settings = settings_of(coins=coins, exchanges=exchanges, source=source, recorded=recorded, warehouse=warehouse)
    from warehouse.cli.progress import show_progress
    from warehouse.cli.summary import exit_code, show
    from warehouse.ingest.addresses import pointed
    from warehouse.ingest.exchanges import serving
    from warehouse.pipeline import run as pipeline
    from warehouse.pipeline.run import report

    with serving(settings) as served:
        begin, end = hour_range(served.now, hour, first, last, hours)
        with show_progress() as progress:
            summary = pipeline.run(pointed(settings, served), begin, end, progress=progress, served=served)
            summary.reports, summary.failed_reports = report(settings, summary.coins, progress)
    show(summary)
    raise typer.Exit(exit_code(summary))


def check(
    first: From = None,
    last: To = None,
    form: Rows = Format.TABLE,
    out: Out = None,
    every: Annotated[bool, typer.Option("--all", help="Show passed checks too, e.g. liq check --all")] = False,
    docs: Docs = None,
    warehouse: Warehouse = None,
) -> None:
    """Re-run data-quality checks on published tables; exit 1 if a blocking check fails.

    Example: liq check --from 2026-01-11T00:00Z --to 2026-01-12T00:00Z --docs checks
    """
    if first and last:
        validate_range(None, first, last, None)
    settings = settings_of(warehouse=warehouse)
    from warehouse.cli.progress import show_progress
    from warehouse.operations.recheck import failing, recheck
    from warehouse.storage.store import open_store

    store = open_store(settings.root, settings.source, create=False)
    with show_progress() as progress:
        results = recheck(store, first, last, progress, docs)
    broken = failing(results)
    shown = results if every else results.filter(~results["passed"])
    if shown.height or form is not Format.TABLE:
        emit(shown, form, out)
    if form is Format.TABLE:
        print(f"{results.height} checks, {broken} failed, {(~results['passed']).sum() - broken} warnings")
        if docs:
            print(f"HTML pages of the checks: {docs / 'index.html'}")
    raise typer.Exit(1 if broken else 0)


def quickstart(
    source: Source = None,
    recorded: Recorded = None,
    days: Annotated[int, typer.Option(min=1, max=60, help="Days to load, e.g. --days 7")] = 7,
    coins: Coins = None,
    warehouse: Warehouse = None,
) -> None:
    """Load the last week, run the hourly DAG once, print headlines and draw a map, as `make run` does.

    Example: liq quickstart --days 2
    """
    settings = settings_of(source=source, recorded=recorded, coins=coins, warehouse=warehouse)
    _require_airflow()
    from warehouse.cli.operate.quickstart import quickstart as start

    raise typer.Exit(start(settings, days))


def up(
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port of the Airflow UI on loopback, e.g. --port 8081")
    ] = 8080,
    source: Source = None,
    recorded: Recorded = None,
    warehouse: Warehouse = None,
) -> None:
    """Run the Airflow scheduler and UI on loopback until Ctrl-C; the DAG runs hourly.

    Example: liq up --port 8081 --source live
    """
    settings = settings_of(source=source, recorded=recorded, warehouse=warehouse)
    _require_airflow()
    from warehouse.operations import airflow_local as scheduler

    scheduler.up(settings, port)


def _require_airflow() -> None:
    """Raise PackageNotFoundError if Airflow is not installed, before any data is fetched."""
    version("apache-airflow-core")
