"""The Python API returns the same results as the macros and the command line."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import liquidation_warehouse as lw
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from tests.docs import program
from tests.warehouse.conftest import HOURS
from transforms.charts.amounts import amount
from warehouse.catalog import build as catalog
from warehouse.cli.main import app

FIRST = f"{HOURS[0]:%Y-%m-%dT%H:%MZ}"
CALLS = [
    (
        "at_risk",
        {"coin": "BTC", "price": 100_000, "as_of": FIRST, "span": 0.01, "exchange": "okx"},
        f"FROM at_risk('BTC', 100000, as_of := '{FIRST}', span := 0.01, exchange := 'okx')",
    ),
    ("at_risk", {"coin": "BTC", "price": 100_000}, "FROM at_risk('BTC', 100000)"),
    (
        "liquidation_map",
        {"coin": "BTC", "as_of": HOURS[0], "span": 0.02},
        f"FROM liquidation_map('BTC', as_of := '{FIRST}', span := 0.02)",
    ),
    ("liquidation_map", {"coin": "BTC"}, "FROM liquidation_map('BTC')"),
    (
        "level_history",
        {"coin": "BTC", "price": 100_000, "exchange": "okx", "since": HOURS[1].replace(tzinfo=UTC)},
        "FROM level_history('BTC', 100000, exchange := 'okx') WHERE hour_utc >= '2026-01-12' ORDER BY hour_utc",
    ),
    ("level_history", {"coin": "BTC", "price": 100_000}, "FROM level_history('BTC', 100000) ORDER BY hour_utc"),
]


@pytest.mark.parametrize(("name", "arguments", "statement"), CALLS)
def test_method_equals_its_macro(
    small_warehouse: Path, name: str, arguments: dict[str, object], statement: str
) -> None:
    with catalog.connect(small_warehouse) as connection:
        expected = connection.sql(statement).pl()
    with lw.open_warehouse() as warehouse:
        assert_frame_equal(getattr(warehouse, name)(**arguments), expected)
        assert_frame_equal(warehouse.sql(statement), expected)
    assert expected.height


def test_the_documented_program_prints_every_frame(
    small_warehouse: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (small_warehouse.parent / "liquidation-data").symlink_to(small_warehouse)
    monkeypatch.chdir(small_warehouse.parent)
    exec(program("open_warehouse"), {})
    assert capsys.readouterr().out.count("shape: (") == 5


@pytest.mark.parametrize("percent", [-10, -5, -1, -0.1, 0.1, 1, 5, 10])
def test_headline_equals_at_risk(small_warehouse: Path, percent: float) -> None:
    with lw.open_warehouse(small_warehouse) as warehouse:
        mark = warehouse.sql("SELECT any_value(mark_price) FROM levels_at('BTC', exchange := 'binance')").item()
        price = mark * (1 + percent / 100)
        total = warehouse.at_risk("BTC", price).filter(exchange="all", leverage_class="all")
        said = warehouse.headline("BTC", prices=price)["sentence"][1]
    columns = ("cumulative_usd", "cumulative_p10_usd", "cumulative_p90_usd", "side")
    *usd, side = total.select(columns).row(-1 if percent > 0 else 0)
    whole, low, high = map(amount, usd)
    assert f"would liquidate {whole} ({low} to {high}) USD of {side}s" in said


@pytest.mark.parametrize("prices", [[95000, 105000], np.array([95000.0, 105000.0]), pl.Series([95000, 105000])])
def test_headline_takes_any_collection_of_prices(small_warehouse: Path, prices: Iterable[float]) -> None:
    with lw.open_warehouse(small_warehouse) as warehouse:
        said = warehouse.headline("BTC", prices=prices)["sentence"].to_list()
        assert said == warehouse.headline("BTC", prices=(95000, 105000))["sentence"].to_list()
        assert said[1] == warehouse.headline("BTC", prices=95000)["sentence"][1]


@pytest.mark.parametrize("price", [-1, 0, float("nan"), float("inf"), "high", None, [95000]])
def test_headline_refuses_impossible_prices(small_warehouse: Path, price: float) -> None:
    with lw.open_warehouse(small_warehouse) as warehouse, pytest.raises(lw.UserError, match="is not a price"):
        warehouse.headline("BTC", prices=[price])


@pytest.mark.parametrize("as_of", [None, FIRST, HOURS[0], "2026-01-11 23:30"])
def test_headline_equals_the_command(small_warehouse: Path, as_of: str | datetime | None) -> None:
    option = [] if as_of is None else ["--as-of", FIRST]
    said = CliRunner().invoke(app, ["headline", "btc", "--price", "100000", *option], prog_name="liq")
    with lw.open_warehouse(small_warehouse) as warehouse:
        rows = warehouse.headline("btc", as_of=as_of, prices=[100_000])
    assert rows.schema == {"sentence": pl.String}
    assert rows["sentence"].to_list() == said.output.splitlines()


def test_sql_takes_named_parameters(small_warehouse: Path) -> None:
    with lw.open_warehouse() as warehouse:
        rows = warehouse.sql("SELECT DISTINCT coin FROM mart.market_balance WHERE coin = $coin", coin="BTC")
    assert rows["coin"].to_list() == ["BTC"]


def test_unknown_coin_error_lists_coins(small_warehouse: Path) -> None:
    with lw.open_warehouse() as warehouse:
        for ask in (warehouse.liquidation_map, warehouse.headline):
            with pytest.raises(lw.UserError, match="there are BTC"):
                ask("XYZ")


def test_a_missing_warehouse_has_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LIQ_WAREHOUSE", raising=False)
    with pytest.raises(lw.UserError, match=r"no warehouse at .*/liquidation-data; create one with: liq run"):
        lw.open_warehouse()
