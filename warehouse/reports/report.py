"""The report: one page per coin with every chart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import polars as pl

from transforms.charts import headline
from transforms.charts.amounts import hour_text
from transforms.charts.heatmap_rows import SPANS
from transforms.charts.report import key_figures, report
from transforms.charts.snapshot import Snapshot
from transforms.hourly.hours import HOUR
from warehouse.catalog import history_queries as read_history
from warehouse.catalog.build import connect
from warehouse.catalog.snapshot_queries import by_leverage, published_coins, snapshot
from warehouse.progress import Progress
from warehouse.reports import page as pages
from warehouse.storage.atomic import replace_whole

FOLDER = "reports"
"""The folder in a warehouse for the reports of its runs."""

_SPANS = ("24h", "7d", report.LONG)


def write(catalog: duckdb.DuckDBPyConnection, market: Snapshot, out: Path) -> Path:
    """Write the report of a coin at an hour to `out`."""
    page = html(catalog, market)
    return replace_whole(out, lambda hidden: hidden.write_text(page))


def write_all(root: Path, coins: Sequence[str], progress: Progress) -> tuple[list[Path], list[str]]:
    """Write the reports of the published `coins` (or of `all`). Return their paths, and an error text per failure.

    Raises UserError if the catalog cannot be read.
    """
    written, failed = [], []
    with connect(root) as catalog:
        published = published_coins(catalog)
        wanted = [each for each in published if each in coins or "all" in coins]
        progress.stage("draw", len(wanted), "reports")
        for coin in wanted:
            try:
                written.append(write(catalog, snapshot(catalog, coin), root / FOLDER / f"{coin}.html"))
            except Exception as error:  # noqa: BLE001 - a failed report must not fail the run
                failed.append(f"{coin}: {type(error).__name__}: {str(error).split(chr(10), 1)[0]}")
            progress.step(coin)
    return written, failed


def html(catalog: duckdb.DuckDBPyConnection, market: Snapshot) -> str:
    """Return the report as HTML."""
    sentences = headline.write(market)
    page = pages.Page(
        title=f"{market.coin} liquidation report, modelled, {hour_text(market.hour)}",
        sections=report.sections(_read_data(catalog, market)),
        key=key_figures.write(market, read_history.cascade(catalog, market), read_history.summary(catalog, market)),
        sentences=sentences,
        basis=sentences[-1],
    )
    return pages.html(page)


def _read_data(catalog: duckdb.DuckDBPyConnection, market: Snapshot) -> report.ReportData:
    marks = read_history.path(catalog, market, market.hour - SPANS[report.LONG] * HOUR)
    return report.ReportData(
        market=market,
        by_leverage=by_leverage(catalog, market),
        heats={span: read_history.heat(catalog, market, span, marks) for span in _SPANS},
        balance=read_history.balance(catalog, market, report.LONG, marks),
        levels=_levels(catalog, market),
        tracks=read_history.tracks(catalog, market, report.LONG),
        sweeps=read_history.sweeps(catalog, market, report.LONG),
        scores=read_history.scores(catalog, market),
    )


def _levels(catalog: duckdb.DuckDBPyConnection, market: Snapshot) -> dict[float, pl.DataFrame]:
    """Return the level history of the peak price of the nearest cluster on each side, by price."""
    found = (key_figures.nearest(market, side) for side in ("long", "short"))
    peaks = [float(each["price_peak"]) for each in found if each]
    return {price: read_history.level(catalog, market, price, report.LONG) for price in peaks}
