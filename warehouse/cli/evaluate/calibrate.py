"""The command `liq calibrate`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Annotated

import typer

from warehouse.cli.options import Coins, Out, Rows, Source, Warehouse, settings_of
from warehouse.cli.output import Format, emit
from warehouse.errors import UserError

if TYPE_CHECKING:
    from warehouse.pipeline.calibrate import Calibration

_DAY = "2026-01-12"
Day = Annotated[
    str | None,
    typer.Option(metavar="DAY", help=f"One UTC day, e.g. --day {_DAY}; default: today", show_default=False),
]
From = Annotated[
    str | None, typer.Option("--from", metavar="DAY", help="First day, e.g. --from 2026-01-05", show_default=False)
]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="DAY", help=f"Last day, inclusive, e.g. --to {_DAY}", show_default=False),
]


def calibrate(
    day: Day = None,
    first: From = None,
    last: To = None,
    coins: Coins = None,
    source: Source = None,
    form: Rows = Format.TABLE,
    out: Out = None,
    warehouse: Warehouse = None,
) -> None:
    """Fit the model to the liquidations of the 45 days before a day; the parameters apply from that day on.

    Example: liq calibrate --from 2026-01-05 --to 2026-01-12
    """
    begin, end = day_range(day, first, last)
    settings = settings_of(coins=coins, source=source, warehouse=warehouse)
    from warehouse.cli.progress import show_progress
    from warehouse.clock import from_ms
    from warehouse.ingest.exchanges import market_clock
    from warehouse.pipeline import calibrate as fitting
    from warehouse.storage.store import open_store

    today = from_ms(market_clock(settings)()).date()
    if (end or today) > today:
        raise UserError(f"{end} is in the future; the last day that has begun is {today}")
    open_store(settings.root, settings.source, create=False)
    with show_progress() as progress:
        result = fitting.calibrate(settings, begin or today, end or today, progress=progress)
    if result.rows.height or form is not Format.TABLE:
        emit(result.rows, form, out, title="Fitted to realised liquidations")
    for line in _lines(result, begin or today):
        print(line, file=sys.stdout if form is Format.TABLE else sys.stderr)
    raise typer.Exit(1 if result.quarantined else 0)


def day_range(day: str | None, first: str | None, last: str | None) -> tuple[date | None, date | None]:
    """Return the first and last day, or None twice. Raises UserError for options that contradict each other."""
    if day and (first or last):
        raise UserError("--day is one day; leave out --from and --to, or leave out --day")
    if (first is None) != (last is None):
        raise UserError(f"--from and --to go together; write e.g. --from 2026-01-05 --to {_DAY}")
    begin, end = _day(day or first), _day(day or last)
    if begin and end and begin > end:
        raise UserError(f"--from {first} is after --to {last}; swap them")
    return begin, end


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise UserError(f"{text!r} is not a day; write it as {_DAY}") from error


def _lines(result: Calibration, begin: date) -> Iterator[str]:
    """Yield remarks on days without a fit, quarantined partitions, and maps that the fit makes stale."""
    from warehouse.pipeline.calibrate import too_few

    yield from too_few(result)
    yield from (f"quarantined: {name}: {reason}" for name, _, reason in result.quarantined)
    newest = result.newest_hour
    if result.published and newest and newest >= datetime.combine(begin, time()):
        yield (
            f"maps from {begin} on were built with other parameters; the next hourly run rebuilds the last week; "
            f"rebuild all of them with: liq backfill --from {begin}T00:00Z --to {newest:%Y-%m-%dT%H:%MZ}"
        )
