"""SQL tables beyond the JSON cases: the same doubles for any threads, row order or range."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from expectations.tables import table
from expectations.validation.rules import row_key
from transforms.model.bands import band
from warehouse.pipeline.build import database

SQL = Path(__file__).parents[2] / "sql"
HOURS = [datetime.fromisoformat("2026-01-05") + timedelta(hours=h) for h in range(12)]
LEVERAGE_X = (100.0, 50.0, 25.0, 10.0, 5.0, 3.0, 2.0)
CLASSES = ("100x+", "50x", "25x", "10x", "5x", "3x", "2x")


def run(name: str, inputs: dict[str, pl.DataFrame], threads: int = 2) -> pl.DataFrame:
    """Build a table from `inputs`; the model parameters default to PARAMETERS."""
    inputs = {"model_parameters": PARAMETERS} | inputs
    with database(threads) as connection:
        for input_name, frame in inputs.items():
            connection.register(input_name, frame.to_arrow())
        built = connection.sql((SQL / f"{name}.sql").read_text()).pl()
    return table(name).conform(built).sort(row_key(table(name)))


def cross(*columns: pl.Series) -> pl.DataFrame:
    frame = columns[0].to_frame()
    for column in columns[1:]:
        frame = frame.join(column.to_frame(), how="cross")
    return frame


PARAMETERS = table("model_parameters").conform(
    cross(
        pl.Series("exchange", ["binance", "bybit", "okx"]),
        pl.Series("side", ["long", "short"]),
        pl.Series("leverage_x", LEVERAGE_X),
    ).with_columns(
        version=pl.lit("v1"), parameter=pl.lit("log_sd"), half_life_hours=0.0, basis=pl.lit("prior"),
        value=0.2 + 1 / pl.col("leverage_x") + pl.col("exchange").str.len_chars() / 30,
        valid_from_utc=pl.lit(HOURS[0]),
    )
)  # fmt: skip


@pytest.fixture(scope="module")
def levels() -> pl.DataFrame:
    """Return levels of many magnitudes; their sum in doubles depends on the order of addition."""
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
        is_stale=False, gap_log_sd=0.1, parameters_version=pl.lit("v1"), source=pl.lit("simulated"),
    )  # fmt: skip
    return table("liquidation_levels").conform(frame.drop("step", "seed"))


@pytest.mark.parametrize("name", ["liquidation_curve", "market_balance"])
def test_threads_and_row_order_do_not_matter(levels: pl.DataFrame, name: str) -> None:
    inputs = {
        "liquidation_levels": levels,
        "model_parameters": PARAMETERS,
        "liquidation_curve": run("liquidation_curve", {"liquidation_levels": levels}),
    }
    wanted = [each.table for each in table(name).inputs]
    once = run(name, {k: inputs[k] for k in wanted}, threads=1)
    for seed in range(3):
        shuffled = {k: inputs[k].sample(fraction=1.0, shuffle=True, seed=seed) for k in wanted}
        assert run(name, shuffled, threads=4).equals(once)


def test_hourly_builds_equal_the_range(levels: pl.DataFrame) -> None:
    whole = run("liquidation_curve", {"liquidation_levels": levels})
    hours = [run("liquidation_curve", {"liquidation_levels": levels.filter(pl.col("hour_utc") == h)}) for h in HOURS]
    assert pl.concat(hours).sort(row_key(table("liquidation_curve"))).equals(whole)


def test_decimal_sums_equal_double_sums(levels: pl.DataFrame) -> None:
    curve = run("liquidation_curve", {"liquidation_levels": levels})
    side = (pl.col("exchange") == "okx") & (pl.col("side") == "long") & (pl.col("hour_utc") == HOURS[0])
    standing = levels.filter(side & ((pl.col("price_low") * pl.col("price_high")).sqrt() >= pl.col("mark_price") * 0.9))
    came = curve.filter(side & (pl.col("distance_bp") == 1000))["cumulative_usd"][0]
    assert came == pytest.approx(standing["notional_usd"].sum(), rel=1e-12)
    assert standing.height > 0


@pytest.mark.parametrize("name", ["liquidation_curve", "market_balance"])
def test_columns_have_the_types_of_the_contract(levels: pl.DataFrame, name: str) -> None:
    curve = run("liquidation_curve", {"liquidation_levels": levels})
    with database(2) as connection:
        connection.register("liquidation_levels", levels.to_arrow())
        connection.register("model_parameters", PARAMETERS.to_arrow())
        connection.register("liquidation_curve", curve.to_arrow())
        assert connection.sql((SQL / f"{name}.sql").read_text()).pl().schema == table(name).schema


def test_percentiles_equal_the_model(levels: pl.DataFrame) -> None:
    curve = run("liquidation_curve", {"liquidation_levels": levels.with_columns(pl.col("notional_usd") * 1e3)})
    middle = (pl.col("price_low") * pl.col("price_high")).sqrt()
    of = (pl.col("exchange") == "bybit") & (pl.col("side") == "short") & (pl.col("hour_utc") == HOURS[3])
    for row in curve.filter(of).iter_rows(named=True):
        near = levels.filter(of & (middle <= row["price"]))
        usd = [1e3 * near.filter(pl.col("leverage_class") == c)["notional_usd"].sum() for c in CLASSES]
        log_sd = [0.2 + 1 / x + 5 / 30 for x in LEVERAGE_X]
        expected = [float(p) for p in band(np.array(usd), np.array(log_sd), gap_log_sd=0.1)]
        assert [row[f"cumulative_p{p}_usd"] for p in (10, 50, 90)] == pytest.approx(expected, rel=1e-9)
    assert curve.filter(of)["cumulative_p10_usd"].max() > 0


def test_total_band_is_no_wider_than_the_widest_exchange(levels: pl.DataFrame) -> None:
    curve = run("liquidation_curve", {"liquidation_levels": levels.with_columns(pl.col("notional_usd") * 1e3)})
    width = pl.col("cumulative_p90_usd") / pl.col("cumulative_p50_usd")
    far = curve.filter(pl.col("cumulative_usd") > 0).with_columns(width=width)
    point = ["hour_utc", "side", "distance_bp"]
    each = far.filter(pl.col("exchange") != "all").group_by(point).agg(pl.col("width").max().alias("widest"))
    both = far.filter(pl.col("exchange") == "all").join(each, on=point)
    assert len(both) > 100
    assert (both["width"] <= both["widest"] * (1 + 1e-12)).all()
