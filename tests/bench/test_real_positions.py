"""Errors on the one venue whose positions are public, against a sample of them. Run: `make bench`."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest
from rich.console import Console

from transforms.evaluation.known_error import levels
from warehouse.cli.output import table
from warehouse.evaluation.known_positions import estimate, read_published
from warehouse.progress import Silent

REAL = Path(__file__).parents[3] / "shared" / "real_positions"
COINS = pl.DataFrame({"market": [1, 2, 3], "coin": ["BTC", "ETH", "SOL"]})
AGAINST_THE_SAMPLE = """
    WITH marks AS (SELECT market, at_ms, any_value(mark_price) AS mark FROM true_map GROUP BY ALL),
    asked AS (
        FROM marks
        CROSS JOIN (SELECT unnest(['long', 'short']) AS side)
        CROSS JOIN (SELECT unnest([0.05, 0.10, 0.20]) AS distance)
    ),
    sums AS (
        SELECT
            a.*, coalesce(sum(t.usd) FILTER (abs(sqrt(t.low * t.high) / mark - 1) <= distance), 0) AS sample_usd
        FROM asked AS a
        LEFT JOIN true_map AS t USING (market, at_ms, side)
        GROUP BY ALL
    ),
    both_sums AS (
        SELECT
            s.*, estimator, coalesce(sum(e.usd) FILTER (abs(sqrt(e.low * e.high) / mark - 1) <= distance), 0) AS usd
        FROM sums AS s
        JOIN estimated AS e USING (market, at_ms, side)
        WHERE e."window" = 'all'
        GROUP BY ALL
    ),
    off AS (
        SELECT *, ln(greatest(usd, 1e5) / greatest(sample_usd / coverage, 1e5)) AS log_off
        FROM both_sums JOIN coins USING (market) JOIN coverage USING (at_ms, coin, side)
    )
    SELECT
        coin, estimator, count(*) AS sums, count(*) FILTER (sample_usd > 0) AS sums_with_positions,
        exp(median(abs(log_off)) FILTER (sample_usd > 0)) AS factor,
        exp(median(log_off) FILTER (sample_usd > 0)) AS times_the_sample,
        100 * avg((usd < sample_usd)::INT) AS percent_below_the_sample
    FROM off GROUP BY coin, estimator ORDER BY ALL
"""


@pytest.mark.skipif(not REAL.is_dir(), reason="no real positions beside the project (../shared)")
def test_estimators_on_real_positions() -> None:
    """Sums within 5, 10 and 20 % against the sample, scaled by its share of open interest."""
    true_map, coverage = (pl.read_parquet(REAL / f"{name}.parquet") for name in ("true_map", "coverage"))
    times = {m: sorted(of["at_ms"].unique()) for (m,), of in true_map.partition_by("market", as_dict=True).items()}
    estimated = estimate(read_published(REAL), times, ["prior", "distance", "ladder"], levels, Silent())
    with duckdb.connect() as connection:
        frames = {"true_map": true_map, "coverage": coverage, "estimated": estimated, "coins": COINS}
        for name, frame in frames.items():
            connection.register(name, frame.to_arrow())
        off = connection.sql(AGAINST_THE_SAMPLE).pl()
    Console(width=120).print(table(off.with_columns(pl.col(pl.Float64).round(2)), "Real positions, no liquidations"))
    assert set(off["coin"]) == set(COINS["coin"])
