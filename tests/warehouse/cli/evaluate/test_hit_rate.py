"""`liq hit-rate` on warehouses with a random-walk price, with enough and too few days."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from expectations.tables import table
from tests.transforms.random_walk import FIRST, walk
from tests.transforms.tracks import EVERY
from transforms.evaluation.hit_rate import LEAST_DAYS, hit_rate
from transforms.evaluation.touches import touches
from transforms.hourly.hours import HOUR
from warehouse.catalog import build as catalog
from warehouse.cli.main import app
from warehouse.storage.store import Store, open_store

SEEDS = {"BTC": 1, "ETH": 2}


def filled(store: Store, coin: str, seed: int) -> None:
    hours, clusters, levels = walk(seed)
    bars = hours.with_columns(pl.col("hour_utc").dt.offset_by("-1h").alias("open_utc"), high="highest", low="lowest")
    rows = {"market_balance": hours.with_columns(distance_bp=100.0), "price_bars": bars}
    rows |= {"liquidation_clusters": clusters.with_row_index("rank", 1), "liquidation_levels": levels}
    for name, own in rows.items():
        contract = table(name)
        day = pl.col(contract.time_column or "").dt.date().alias("date")
        given = {"cluster_id": "C", "leverage_class": "10x"} | EVERY | {"coin": coin}
        lacking = [c for c in contract.schema if c not in {*own.columns, "date"}]
        whole = own.with_columns(day, *(pl.lit(given.get(c, 1)).alias(c) for c in lacking))
        store.write_partitions(contract, whole.select(list(contract.schema)))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root: Path = tmp_path_factory.mktemp("hit_rate") / "warehouse"
    root.mkdir()
    store = open_store(root, "simulated", create=True)
    for coin, seed in SEEDS.items():
        filled(store, coin, seed)
    last = walk(1)[0].tail(1).select("hour_utc", source=pl.lit("simulated"))
    store.write(table("watermark"), last, {})
    catalog.build(root)
    return root


def liq(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments], prog_name="liq")


def levels(coin: str) -> pl.DataFrame:
    return touches(*walk(SEEDS[coin])).with_columns(coin=pl.lit(coin))


@pytest.mark.parametrize("coin", ["eth", "all"])
def test_output_equals_hit_rate_of_the_tables(root: Path, coin: str) -> None:
    result = liq("hit-rate", coin, "--warehouse", root, "--format", "csv")
    assert result.exit_code == 0, result.output
    made = pl.read_csv(io.StringIO(result.stdout))
    asked = SEEDS if coin == "all" else ["ETH"]
    expected = hit_rate(pl.concat([levels(each) for each in asked]))
    assert made["source"].unique().to_list() == ["simulated"]
    for column in ("clusters", "reached", "others_reached", "low", "high"):
        assert made[column].to_list() == pytest.approx(expected[column].to_list())


def test_range_limits_the_judged_hours(root: Path) -> None:
    end = FIRST + (LEAST_DAYS + 4) * 24 * HOUR
    result = liq("hit-rate", "BTC", "--to", f"{end:%Y-%m-%dT%H:%MZ}", "--warehouse", root, "--format", "csv")
    hours, clusters, buckets = (each.filter(pl.col("hour_utc") <= end) for each in walk(1))
    expected = hit_rate(touches(hours, clusters, buckets).with_columns(coin=pl.lit("BTC")))
    assert pl.read_csv(io.StringIO(result.stdout))["reached"].to_list() == pytest.approx(expected["reached"].to_list())


def test_default_format_is_a_table(root: Path) -> None:
    result = liq("hit-rate", "BTC", "--warehouse", root)
    assert result.exit_code == 0, result.output
    assert "BTC: hit rate of clusters and of other levels (modelled)" in result.stdout
    assert result.stdout.count("distance and hour") == 9
    assert "hit rate: 2 steps to do" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["DOGE"], "no coin 'DOGE' in the warehouse; there are BTC, ETH"),
        (["BTC", "--from", "2026-01-25T00:00Z"], "days of BTC can be evaluated, too few for an interval"),
        (["BTC", "--from", "2027-01-25T00:00Z"], "0 days of BTC can be evaluated"),
        (["BTC", "--from", "2026-01-25T00:00Z", "--to", "2026-01-20T00:00Z"], "is after --to"),
        (["BTC", "--from", "yesterday"], "yesterday"),
    ],
)
def test_invalid_request_is_refused_in_one_line(root: Path, arguments: list[str], words: str) -> None:
    result = liq("hit-rate", *arguments, "--warehouse", root)
    assert result.exit_code == 2
    line = result.stderr.strip().splitlines()[-1]
    assert line.startswith("liq: ")
    assert words in line
