"""mart.sweeps beyond the JSON cases: the same doubles for any threads, row order or range."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from expectations.tables import table
from expectations.validation.rules import row_key
from warehouse.pipeline.build import database

SQL = (Path(__file__).parents[2] / "sql" / "sweeps.sql").read_text()
TABLE = table("sweeps")
HOUR = timedelta(hours=1)
HOURS = [datetime.fromisoformat("2026-01-04T20:00:00") + h * HOUR for h in range(10)]
ABOUT = {"coin": "BTC", "instrument": "BTCUSDT", "parameters_version": "v1", "source": "simulated"}


def run(inputs: dict[str, pl.DataFrame], threads: int = 2) -> pl.DataFrame:
    with database(threads) as connection:
        for name, frame in inputs.items():
            connection.register(name, frame.to_arrow())
        rows = connection.sql(SQL).pl()
    assert rows.select(sorted(rows.columns)).schema == {c: TABLE.schema[c] for c in sorted(TABLE.schema)}
    return TABLE.conform(rows).sort(row_key(TABLE))


def shaped(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return `frame` with all columns of table `name`: missing ones are 1, or a dash for text."""
    contract = table(name)
    moment = contract.time_column or ""
    known = {c: pl.lit(v) for c, v in ABOUT.items()} | {"date": pl.col(moment).dt.date(), "is_stale": pl.lit(False)}
    lacking = {c: pl.lit("-" if t == pl.String else 1).cast(t) for c, t in contract.schema.items()}
    made = {c: e for c, e in (lacking | known).items() if c in contract.schema and c not in frame.columns}
    return contract.conform(frame.with_columns(**made))


def cross(*columns: pl.Series) -> pl.DataFrame:
    frame = columns[0].to_frame()
    for column in columns[1:]:
        frame = frame.join(column.to_frame(), how="cross")
    noise = (pl.col("seed") * 2654435761 % 1000003).cast(pl.Float64) / 1000003
    return frame.with_row_index("seed").with_columns(noise=noise)


@pytest.fixture(scope="module")
def inputs() -> dict[str, pl.DataFrame]:
    """Return two exchanges over midnight with amounts of many magnitudes; one feed covers every second hour."""
    hour = pl.Series("hour_utc", HOURS, dtype=pl.Datetime("ms"))
    exchange, side = pl.Series("exchange", ["binance", "okx"]), pl.Series("side", ["long", "short"])
    twelve = pl.Series("minute", range(0, 60, 5))
    low = 98.0 + pl.col("step") / 50
    time = pl.col("hour_utc") - HOUR + pl.duration(minutes=pl.col("minute"))
    of_hour = cross(hour, exchange, side).with_columns(mark_price=99.5 + pl.col("hour_utc").dt.hour() % 3 / 2)
    levels = cross(hour, exchange, side, pl.Series("step", range(200)), pl.Series("leverage_class", ["5x", "10x"]))
    bars = cross(hour, exchange, twelve).with_columns(
        open_utc=time, interval_minutes=5, low=98.5 + pl.col("noise"), high=100.5 + pl.col("noise")
    )
    events = cross(hour, exchange, side, twelve, pl.Series("seq", range(20)))
    read = cross(hour).with_columns(exchange=pl.lit("okx"), completeness=pl.lit("recent")).gather_every(2)
    frames = {
        "position_ledger": of_hour.with_columns(liquidated_base=pl.col("noise") * 7),
        "liquidation_levels": levels.with_columns(
            price_low=low, price_high=low + 0.02, notional_usd=(pl.col("noise") * 25 - 5).exp()
        ),
        "price_bars": bars,
        "realised_liquidations": events.with_columns(time_utc=time, notional_usd=(pl.col("noise") * 25 - 5).exp()),
        "realised_coverage": read,
    }
    return {name: shaped(name, f.select(set(f.columns) & set(table(name).schema))) for name, f in frames.items()}


def test_threads_and_row_order_do_not_matter(inputs: dict[str, pl.DataFrame]) -> None:
    once = run(inputs, threads=1)
    assert once.height == 2 * 2 * len(HOURS)
    assert once.filter(pl.col("predicted_usd") > 0).height > len(HOURS)
    assert once.filter(pl.col("realised_usd") > 0).height == len(HOURS)
    for seed in range(3):
        shuffled = {name: f.sample(fraction=1.0, shuffle=True, seed=seed) for name, f in inputs.items()}
        assert run(shuffled, threads=4).equals(once)


def test_hourly_builds_equal_the_range(inputs: dict[str, pl.DataFrame]) -> None:
    """Each hourly build gets the data from the hour before it up to its own hour."""

    def known(name: str, hour: datetime) -> pl.DataFrame:
        moment = pl.col(table(name).time_column or "")
        return inputs[name].filter((moment >= hour - HOUR) & (moment <= hour))

    hours = [run({name: known(name, h) for name in inputs}).filter(pl.col("hour_utc") == h) for h in HOURS]
    assert pl.concat(hours).sort(row_key(TABLE)).equals(run(inputs))
