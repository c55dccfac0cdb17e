"""What a case in JSON cannot show of the SQL tables: the same doubles whatever the threads, order or range."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from expectations.rules import row_key
from expectations.tables import table

SQL = Path(__file__).parents[2] / "sql"
HOURS = [datetime.fromisoformat("2026-01-05") + timedelta(hours=h) for h in range(12)]
CLASSES = ("100x+", "50x", "25x", "10x", "5x", "3x", "2x")


def run(name: str, inputs: dict[str, pl.DataFrame], threads: int = 2) -> pl.DataFrame:
    with duckdb.connect(config={"python_enable_replacements": "false", "threads": str(threads)}) as connection:
        for input_name, frame in inputs.items():
            connection.register(input_name, frame.to_arrow())
        built = connection.sql((SQL / f"{name}.sql").read_text()).pl()
    return table(name).conform(built).sort(row_key(table(name)))


def cross(*columns: pl.Series) -> pl.DataFrame:
    frame = columns[0].to_frame()
    for column in columns[1:]:
        frame = frame.join(column.to_frame(), how="cross")
    return frame


@pytest.fixture(scope="module")
def levels() -> pl.DataFrame:
    """Amounts of many magnitudes, whose sum in doubles depends on the order that they are added in."""
    long = pl.col("side") == "long"
    frame = cross(
        pl.Series("hour_utc", HOURS, dtype=pl.Datetime("ms")),
        pl.Series("exchange", ["binance", "bybit", "okx"]),
        pl.Series("side", ["long", "short"]),
        pl.Series("step", range(200), dtype=pl.Int32),
        pl.Series("leverage_class", CLASSES),
    ).with_row_index("seed")
    bucket = 11518 + pl.when(long).then(-pl.col("step") - 2).otherwise(pl.col("step") + 2)
    noise = (pl.col("seed") * 2654435761 % 1000003).cast(pl.Float64) / 1000003
    amount = (noise * 25 - 5).exp()
    frame = frame.with_columns(
        coin=pl.lit("BTC"), date=pl.col("hour_utc").dt.date(), instrument=pl.lit("BTCUSDT"), price_bucket=bucket,
        price_low=(bucket * pl.lit(1.001).log()).exp(), price_high=((bucket + 1) * pl.lit(1.001).log()).exp(),
        notional_usd=amount, notional_1d_usd=amount / 9, notional_7d_usd=amount / 7, notional_30d_usd=amount / 3,
        mark_price=100000 + 100 * pl.col("exchange").str.len_chars().cast(pl.Float64) / 3,
        is_stale=False, parameters_version=pl.lit("v1"), source=pl.lit("simulated"),
    )  # fmt: skip
    return table("liquidation_levels").conform(frame.drop("step", "seed"))


@pytest.mark.parametrize("name", ["liquidation_curve", "market_balance"])
def test_threads_and_the_order_of_rows_leave_no_trace(levels: pl.DataFrame, name: str) -> None:
    inputs = {
        "liquidation_levels": levels,
        "liquidation_curve": run("liquidation_curve", {"liquidation_levels": levels}),
    }
    wanted = table(name).inputs
    once = run(name, {k: inputs[k] for k in wanted}, threads=1)
    for seed in range(3):
        shuffled = {k: inputs[k].sample(fraction=1.0, shuffle=True, seed=seed) for k in wanted}
        assert run(name, shuffled, threads=4).equals(once)


def test_hour_by_hour_is_the_range(levels: pl.DataFrame) -> None:
    whole = run("liquidation_curve", {"liquidation_levels": levels})
    hours = [run("liquidation_curve", {"liquidation_levels": levels.filter(pl.col("hour_utc") == h)}) for h in HOURS]
    assert pl.concat(hours).sort(row_key(table("liquidation_curve"))).equals(whole)


def test_decimals_lose_nothing_that_a_double_holds(levels: pl.DataFrame) -> None:
    curve = run("liquidation_curve", {"liquidation_levels": levels})
    side = (pl.col("exchange") == "okx") & (pl.col("side") == "long") & (pl.col("hour_utc") == HOURS[0])
    standing = levels.filter(side & ((pl.col("price_low") * pl.col("price_high")).sqrt() >= pl.col("mark_price") * 0.9))
    came = curve.filter(side & (pl.col("distance_bp") == 1000))["cumulative_usd"][0]
    assert came == pytest.approx(standing["notional_usd"].sum(), rel=1e-12)
    assert standing.height > 0


@pytest.mark.parametrize("name", ["liquidation_curve", "market_balance"])
def test_every_column_of_the_contract_comes_out_with_its_type(levels: pl.DataFrame, name: str) -> None:
    curve = run("liquidation_curve", {"liquidation_levels": levels})
    with duckdb.connect(config={"python_enable_replacements": "false"}) as connection:
        connection.register("liquidation_levels", levels.to_arrow())
        connection.register("liquidation_curve", curve.to_arrow())
        assert connection.sql((SQL / f"{name}.sql").read_text()).pl().schema == table(name).schema
