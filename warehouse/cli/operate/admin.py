"""The commands `liq simulate` and `liq doctor`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from warehouse.cli.options import Out, Recorded, Rows, Source, Warehouse, settings_of
from warehouse.cli.output import Format, emit


def simulate(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on loopback; 0 picks a free one, e.g. --port 8901")
    ] = 8900,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Seed of the simulated market (LIQ_SEED), e.g. --seed 8", show_default=False),
    ] = None,
    recorded: Recorded = None,
    now: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Freeze the exchanges' clock (LIQ_NOW), e.g. --now 2026-01-12T00:30Z",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the simulated exchanges, or replay recorded files, until Ctrl-C.

    Example: liq simulate --port 8901 --seed 8
    """
    from warehouse.clock import parse_moment

    if now:
        parse_moment(now)
    settings = settings_of(seed=seed, recorded=recorded, now=now, source="recorded" if recorded else "simulated")
    from warehouse.cli.operate.simulate import keep_serving

    keep_serving(settings, port)


def doctor(
    form: Rows = Format.TABLE,
    out: Out = None,
    source: Source = None,
    recorded: Recorded = None,
    warehouse: Warehouse = None,
) -> None:
    """Check settings, exchanges, tables and disk, with a remedy for each problem; exit 1 if there is one.

    Example: liq doctor --source live
    """
    import polars as pl

    from warehouse.operations.doctor import examine

    findings = examine(source=source, recorded=recorded, warehouse=warehouse)
    emit(pl.DataFrame([asdict(finding) for finding in findings]), form, out)
    wrong = sum(finding.state == "wrong" for finding in findings)
    if form is Format.TABLE and out is None:
        stale = any(finding.subject.startswith("stale") for finding in findings)
        sound = "no problems, but some tables are stale; see the remedy column" if stale else "no problems"
        problems = "1 problem" if wrong == 1 else f"{wrong} problems"
        print(f"{problems}; see the remedy column" if wrong else sound)
    raise typer.Exit(1 if wrong else 0)
