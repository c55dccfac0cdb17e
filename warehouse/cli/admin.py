"""The commands that look after: simulate, doctor."""

from __future__ import annotations

from typing import Annotated

import typer

from warehouse.cli.options import Out, Recorded, Rows, Source, Warehouse, settings_of
from warehouse.cli.output import Format


def simulate(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on loopback; 0 takes a free one, e.g. --port 8901")
    ] = 8900,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Another market (LIQ_SEED), e.g. --seed 8", show_default=False)
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
    """Serve the simulated exchanges, or play recorded files, until Ctrl-C.

    Example: liq simulate --port 8901 --seed 8
    """
    from warehouse.clock import parse_moment

    if now:
        parse_moment(now)
    settings = settings_of(seed=seed, recorded=recorded, now=now, source="recorded" if recorded else "simulated")
    from warehouse.cli.simulate import keep_serving

    keep_serving(settings, port)


def doctor(
    form: Rows = Format.TABLE,
    out: Out = None,
    source: Source = None,
    recorded: Recorded = None,
    warehouse: Warehouse = None,
) -> None:
    """Say what is configured, reachable, stale or missing, and what to do; exit 1 if something is wrong.

    Example: liq doctor --source live
    """
    from warehouse.operations.doctor import examine, report

    findings = examine(source=source, recorded=recorded, warehouse=warehouse)
    report(findings, form, out)
    raise typer.Exit(1 if any(f.state == "wrong" for f in findings) else 0)


COMMANDS = (simulate, doctor)
