"""The steps of `make run`: load the last week, run the hourly DAG once, and print queries to try."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from transforms.charts import headline
from transforms.hourly.hours import HOUR
from warehouse.catalog.build import connect
from warehouse.catalog.snapshot_queries import ask, published_coins, snapshot
from warehouse.catalog.statements import fill
from warehouse.cli.progress import show_progress
from warehouse.cli.summary import exit_code, show
from warehouse.clock import floor_hour, utc_now
from warehouse.errors import UserError
from warehouse.ingest.addresses import pointed
from warehouse.ingest.exchanges import serving
from warehouse.operations.airflow_local import migrate, run_dag_in_process, settings_env
from warehouse.pipeline import run as pipeline
from warehouse.reports import report
from warehouse.reports.charts import save_map
from warehouse.settings import Settings, load

_SHOWN = ("BTC", "ETH")


def quickstart(settings: Settings, days: int) -> int:
    """Load `days` days up to the last full hour; Airflow runs that hour itself. Return the exit code."""
    with serving(settings) as served, ThreadPoolExecutor(1) as background:
        last = floor_hour(served.now)
        first = last - 24 * days * HOUR
        print(f"{_origin(settings, served.url)}; {', '.join(settings.coins)}; up to {last:%Y-%m-%d %H:%M} UTC")
        addressed = pointed(settings, served)
        airflow = background.submit(migrate)  # it takes one core, and so does the compilation of the model
        with show_progress() as progress:
            summary = pipeline.run(addressed, first, last - HOUR, progress=progress, served=served)
        show(summary)
        airflow.result()
        # the clock is frozen: hours that complete during the run are not part of it
        _run_dag(addressed.model_copy(update={"now": served.now}), last)
    _print_headlines(settings)
    _print_next_steps(settings, *_draw_map(settings))
    return exit_code(summary)


def _origin(settings: Settings, url: str | None) -> str:
    if settings.source == "live":
        return "The real exchanges (live data)"
    simulated = settings.source == "simulated"
    text = "Simulated exchanges (simulated data, no real market)" if simulated else "Recorded data, replayed"
    return f"{text} at {url}" if url else text


def _run_dag(settings: Settings, hour: datetime) -> None:
    """Run the last hour as the scheduler would. Airflow's tasks read their settings from the environment."""
    since = utc_now()
    print(f"\nAirflow: DAG liquidation_hourly for {hour:%Y-%m-%d %H:%M} UTC", flush=True)
    run_dag_in_process(hour, env=settings_env(settings), report=lambda line: print(f"  {line}", flush=True))
    with connect(settings.root) as catalog:
        for exchange, outcome, requests in ask(catalog, "quickstart/fetched", since=since).iter_rows():
            print(f"  fetched    {exchange}: {requests} {outcome}")
        checks, failed = ask(catalog, "quickstart/checked", date=hour.date(), hour=hour).row(0)
        print(f"  checked    {checks} checks, {failed} failed or warned")
        for status, published in ask(catalog, "quickstart/published", hour=hour).iter_rows():
            print(f"  published  {published} partitions: {status}")


def _example_coins(settings: Settings) -> Iterator[str]:
    with connect(settings.root) as catalog:
        published = published_coins(catalog)
    yield from [coin for coin in _SHOWN if coin in published] or published[:2]


def _print_headlines(settings: Settings) -> None:
    for coin in _example_coins(settings):
        with connect(settings.root) as catalog:
            print("", *headline.write(snapshot(catalog, coin)), sep="\n")


def _draw_map(settings: Settings) -> tuple[Path, Path]:
    """Draw the map. Return its path, and the path of the report written by the DAG."""
    coin = next(_example_coins(settings), None)
    if coin is None:
        raise UserError(f"nothing was published in {settings.root}; see why with: liq doctor")
    with connect(settings.root) as catalog:
        market = snapshot(catalog, coin)
    drawn = save_map(market, "all", settings.root / "pictures" / f"{coin}.png")
    return drawn, settings.root / report.FOLDER / f"{coin}.html"


def _print_next_steps(settings: Settings, picture: Path, page: Path) -> None:
    liq = "liq" if shutil.which("liq") else os.path.relpath(Path(sys.executable).with_name("liq"))
    coin = [*_example_coins(settings)][-1]
    elsewhere = "" if settings.root == load().root else f" --warehouse {settings.root}"
    print(
        f"""
Picture   {picture}
Report    {page} (for a browser)
Catalog   {settings.root / "catalog.duckdb"} (DuckDB; {settings.source} data)

Three things to try next:
  {liq} headline BTC --price 100000{elsewhere}
  {liq} sql "{fill("quickstart/balance").strip()}" --format csv{elsewhere}
  {liq} heatmap {coin} --span 7d --out {coin.lower()}-7d.html{elsewhere}"""
    )
