"""Errors of the estimators on markets with known positions. Run: `make bench`."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest
from rich.console import Console

from transforms.evaluation.known_error import cumulative
from warehouse.cli.evaluate.score import Name, of_known_positions
from warehouse.cli.output import table
from warehouse.evaluation.known_positions import estimate, read_published
from warehouse.progress import Silent
from warehouse.simulator.market.known_positions import PRESETS, write

KNOWN = Path(__file__).parents[3] / "shared" / "known_positions"
EXCHANGES = ("binance", "bybit", "okx")
FEEDS = {"complete": (), "only OKX's": ("binance", "bybit"), "none": EXCHANGES}
SEED = 4  # seed of the generated markets; no model constant was chosen on them
BESIDE_THE_TRUTH = """
    WITH sums AS (
        SELECT
            e.market, e."window", e.distance, any_value(e.p10) AS p10, any_value(e.p90) AS p90, any_value(e.usd) AS usd,
            coalesce(sum(t.usd) FILTER (
                abs((t.low + t.high) / 2 - t.mark_price) <= t.mark_price * e.distance
            ), 0) AS truth
        FROM estimated AS e
        LEFT JOIN true_map AS t USING (market, exchange, at_ms, "window", side)
        GROUP BY e.market, e.exchange, e.at_ms, e."window", e.side, e.distance
    )
    SELECT
        coalesce(market::VARCHAR, 'all') AS market, coalesce("window", 'both') AS "window",
        100 * distance AS within_percent, count(*) AS sums,
        100 * avg((truth BETWEEN p10 AND p90)::INT) AS percent_in_the_range,
        median(greatest(usd, 1e5) / greatest(truth, 1e5)) AS times_the_truth
    FROM sums
    GROUP BY GROUPING SETS (("window", distance), (market, "window"), ())
    ORDER BY ALL
"""


def shown(scored: pl.DataFrame, title: str) -> None:
    """Print all sums, then sums by distance."""
    console = Console(width=120)
    rows = scored.filter(pl.col("of").str.starts_with("all") | pl.col("of").str.starts_with("within"))
    console.print(table(rows.with_columns(pl.col(pl.Float64).round(2)), title))


def median(scored: pl.DataFrame, estimator: str) -> float:
    """Return the mean over windows of the median of all sums."""
    overall = scored.filter((pl.col("of") == "all sums") & (pl.col("market") == scored["market"].to_list()[-1]))
    return float(overall[estimator].to_numpy().mean())


@pytest.mark.skipif(not KNOWN.is_dir(), reason="no markets of known positions beside the project (../shared)")
@pytest.mark.parametrize("feeds", FEEDS)
def test_estimators_on_given_markets(feeds: str) -> None:
    names = [name.value for name in Name] if feeds == "complete" else [Name.FITTED.value]
    scored = of_known_positions(KNOWN, names, list(FEEDS[feeds]))
    shown(scored, f"Given markets; liquidations published: {feeds}")
    if feeds == "complete":
        assert median(scored, "fitted") < median(scored, "prior") < median(scored, "ladder")


@pytest.mark.skipif(not KNOWN.is_dir(), reason="no markets of known positions beside the project (../shared)")
@pytest.mark.parametrize("folder", [KNOWN, KNOWN / "real_turnover"], ids=lambda folder: folder.name)
@pytest.mark.parametrize("estimator", ["fitted", "prior", "ladder"])
def test_bands_against_the_truth(folder: Path, estimator: str) -> None:
    true_map = pl.read_parquet(folder / "true_map.parquet")
    times = {
        market: sorted(of["at_ms"].unique()) for (market,), of in true_map.partition_by("market", as_dict=True).items()
    }
    estimated = estimate(read_published(folder), times, [estimator], cumulative, Silent())
    with duckdb.connect() as connection:
        connection.register("true_map", true_map.to_arrow())
        connection.register("estimated", estimated.to_arrow())
        beside = connection.sql(BESIDE_THE_TRUTH).pl()
    Console(width=120).print(table(beside.with_columns(pl.col(pl.Float64).round(2)), f"{folder.name}, {estimator}"))
    assert beside["sums"].to_list()[-1] == estimated.height


@pytest.mark.parametrize("preset", PRESETS)
def test_estimators_on_generated_markets(preset: str, tmp_path: Path) -> None:
    write(tmp_path, {1: PRESETS[preset]}, SEED)
    for feeds, without in FEEDS.items():
        names = ["fitted", "prior", "ladder"] if feeds == "complete" else ["fitted"]
        scored = of_known_positions(tmp_path, names, list(without))
        shown(scored, f"Crowd {preset}; liquidations published: {feeds}")
        if feeds == "complete":
            assert median(scored, "fitted") < median(scored, "ladder")
