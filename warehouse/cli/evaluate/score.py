"""The commands that score the estimators and run them on files: `liq score`, `liq estimate`."""

from __future__ import annotations

import re
import sys
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from warehouse.cli.evaluate.calibrate import Day
from warehouse.cli.options import Out, Rows, Source, Warehouse, settings_of
from warehouse.cli.output import Format, emit
from warehouse.errors import UserError

if TYPE_CHECKING:
    import polars as pl

    from warehouse.settings import Settings


class Name(StrEnum):
    """The estimators by name; those after the first two are the baselines."""

    FITTED = "fitted"
    PRIOR = "prior"
    LADDER = "ladder"
    DISTANCE = "distance"
    OPEN_INTEREST = "open_interest"


def score(
    coins: Annotated[
        list[str] | None, typer.Argument(metavar="[COIN]...", help="Coins of the warehouse; default: LIQ_COINS")
    ] = None,
    known_positions: Annotated[
        Path | None,
        typer.Option(
            help="Folder of markets with known positions, e.g. --known-positions known_positions",
            show_default=False,
        ),
    ] = None,
    estimator: Annotated[
        list[Name] | None,
        typer.Option(help="Estimator; may be repeated, e.g. --estimator fitted; default: all", show_default=False),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EXCHANGE",
            help="Ignore the liquidations of this exchange; may be repeated, e.g. --without binance",
            show_default=False,
        ),
    ] = None,
    day: Day = None,
    source: Source = None,
    form: Rows = Format.TABLE,
    out: Out = None,
    warehouse: Warehouse = None,
) -> None:
    """Score the map and its baselines against the liquidations reported in the 7 days before a day.

    With --known-positions: the median multiplicative error on markets with known positions.

    Example: liq score BTC --day 2026-01-12
    Example: liq score --known-positions known_positions --estimator fitted --estimator ladder
    """
    if known_positions is None:
        if without:
            raise UserError("--without needs --known-positions: add a folder of markets, or leave --without out")
        settings = settings_of(source=source, warehouse=warehouse)
        return of_warehouse(settings, coins or [], _day(day), [name.value for name in estimator or []], form, out)
    if coins or day or source or warehouse:
        raise UserError("--known-positions reads files only: leave out coins, --day, --source and --warehouse")
    names = [name.value for name in dict.fromkeys(estimator or Name)]
    scored = of_known_positions(known_positions, names, without or [])
    return emit(
        _rounded(scored) if form is Format.TABLE else scored,
        form,
        out,
        title="Median multiplicative error; 1 is perfect",
    )


def of_warehouse(
    settings: Settings, coins: list[str], day: date | None, estimators: list[str], form: Format, out: Path | None
) -> None:
    """Score, publish and show one day; today if `day` is None."""
    import polars as pl

    from warehouse.cli.progress import show_progress
    from warehouse.clock import from_ms
    from warehouse.evaluation import score as scoring
    from warehouse.ingest.exchanges import market_clock
    from warehouse.storage.store import open_store

    today = from_ms(market_clock(settings)()).date()
    if (day or today) > today:
        raise UserError(f"{day} is in the future; the last day that has begun is {today}")
    open_store(settings.root, settings.source, create=False)
    with show_progress() as progress:
        result = scoring.score(settings, day or today, coins=[coin.upper() for coin in coins], progress=progress)
    rows = result.rows.filter(pl.col("estimator").is_in(estimators)) if estimators else result.rows
    if form is not Format.TABLE:
        emit(rows, form, out)
    elif rows.height:
        title = (
            f"{settings.source} data, 7 days before {day or today}: rank correlation (1 is best) / deviance (0 is best)"
        )
        emit(scoring.side_by_side(rows), form, out, title=title)
    for line in scoring.remarks(result):
        print(f"liq: {line}", file=sys.stderr)
    raise typer.Exit(1 if result.quarantined else 0)


def of_known_positions(folder: Path, names: list[str], without: list[str]) -> pl.DataFrame:
    """Return the median multiplicative errors over the markets of `folder`.

    The liquidations of the exchanges in `without` are ignored.
    """
    from transforms.evaluation.known_error import cumulative, factors, medians
    from warehouse.cli.progress import show_progress
    from warehouse.evaluation import known_positions as files

    published = files.read_published(folder).without(without)
    truth = files.read_truth(folder, published)
    times = {
        market: sorted(own["at_ms"].unique())
        for (market,), own in truth.sort("market").group_by("market", maintain_order=True)
    }
    with show_progress() as progress:
        sums = files.estimate(published, times, names, cumulative, progress)
    return medians(factors(sums, truth))


def estimate(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="Folder with published_5m.parquet and realised_liquidations.parquet, e.g. known_positions",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Parquet or CSV file, e.g. --out map.parquet", show_default=False)],
    first: Annotated[
        str,
        typer.Option("--from", metavar="TIME", help="First instant, e.g. --from 2025-05-21T06:00Z", show_default=False),
    ],
    every: Annotated[str, typer.Option(metavar="HOURS", help="Step in whole hours, e.g. --every 6h")],
    estimator: Annotated[Name, typer.Option(help="Estimator to run, e.g. --estimator ladder")] = Name.FITTED,
    cumulative: Annotated[
        bool,
        typer.Option(
            "--cumulative", help="Write sums within 1, 2, 3, 5 and 10 % of the mark, with their bands, not buckets"
        ),
    ] = False,
) -> None:
    """Run an estimator on files of public market data, point-in-time: each instant uses only earlier data.

    Example: liq estimate known_positions --out map.parquet --from 2025-05-21T06:00Z --every 6h
    """
    from warehouse.clock import parse_hour, to_ms

    hours, first_ms = _hours(every), to_ms(parse_hour(first))
    if out.suffix not in {".parquet", ".csv"}:
        raise UserError(f"--out {out} is neither .parquet nor .csv; write e.g. --out map.parquet")
    from transforms.evaluation import known_error as sums
    from warehouse.cli.progress import show_progress
    from warehouse.evaluation import known_positions as files
    from warehouse.storage.atomic import replace_whole

    published = files.read_published(folder)
    times = files.instants(published, first_ms, hours)
    with show_progress() as progress:
        shape = sums.cumulative if cumulative else sums.levels
        rows = files.estimate(published, times, [estimator.value], shape, progress).drop("estimator")
    write = rows.write_parquet if out.suffix == ".parquet" else rows.write_csv
    print(f"wrote {replace_whole(out, write)}: {rows.height} rows (modelled)")


def _day(text: str | None) -> date | None:
    from warehouse.cli.evaluate.calibrate import day_range

    return day_range(text, None, None)[0]


def _hours(every: str) -> int:
    """Parse '6h' as 6. Raises UserError for a step that is not a multiple of an hour."""
    found = re.fullmatch(r"(\d+)(h|m|min|d)", every.strip().lower())
    minutes = int(found[1]) * {"h": 60, "m": 1, "min": 1, "d": 1440}[found[2]] if found else 0
    if minutes <= 0 or minutes % 60:
        raise UserError(f"--every {every} is not a multiple of an hour; write e.g. --every 6h")
    return minutes // 60


def _rounded(scored: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return scored.with_columns(pl.col(pl.Float64).round(2))
