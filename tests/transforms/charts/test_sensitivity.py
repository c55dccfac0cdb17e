from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import polars as pl
import pytest
import vl_convert

from tests.transforms.stated_parameters import stated_parameters
from transforms.charts import sensitivity
from transforms.charts.style import still
from transforms.estimation.sensitivity import ASSUMPTIONS, DISTANCES_BP, table
from transforms.estimation.state import store
from transforms.model.assumptions import prior
from transforms.model.estimator import open_notional
from transforms.model.population import Population

HOUR = datetime(2026, 1, 12, 23)
MARKS = {"binance": 100_000.0, "okx": 100_050.0}


def crowd(s: int, mark: float) -> Population:
    made = Population.empty(s, mark)
    at = made.reached(mark) - made.origin
    near = np.exp(-np.abs(np.arange(made.cells.shape[-1]) - at) / 80.0)
    made.cells[:] = near * np.arange(1, 8)[:, None, None]
    made.cells[..., slice(at, None) if s > 0 else slice(at + 1)] = 0.0
    made.open_interest = made.standing = 1e9
    return made


@pytest.fixture(scope="module")
def crowds() -> dict[tuple[str, int], Population]:
    return {(exchange, s): crowd(s, mark) for exchange, mark in MARKS.items() for s in (1, -1)}


@pytest.fixture(scope="module")
def rows(crowds: dict[tuple[str, int], Population]) -> pl.DataFrame:
    states = [
        store({s: crowds[exchange, s] for s in (1, -1)}, HOUR, {"coin": "BTC", "exchange": exchange,
              "instrument": "BTCUSDT", "source": "simulated"})["state_positions"]
        for exchange in MARKS
    ]  # fmt: skip
    return table("BTC", pl.concat(states), stated_parameters())


def test_every_point_of_every_assumption_exists_once(rows: pl.DataFrame) -> None:
    assert len(rows) == (len(MARKS) + 1) * 2 * len(DISTANCES_BP) * len(ASSUMPTIONS)
    assert rows.select("exchange", "side", "distance_bp", "assumption").is_unique().all()
    assert rows["hour_utc"].unique().to_list() == [HOUR]


def test_fitted_equals_the_map(rows: pl.DataFrame, crowds: dict[tuple[str, int], Population]) -> None:
    whole = pl.col("distance_bp") == DISTANCES_BP[-1]
    for (exchange, s), own in crowds.items():
        in_map = open_notional(own, prior(exchange).weight)[1][0].sum()
        of = whole & (pl.col("exchange") == exchange) & (pl.col("side") == {1: "long", -1: "short"}[s])
        assert rows.filter(of & (pl.col("assumption") == "fitted"))["cumulative_usd"].item() == in_map > 0


def test_exchanges_sum_to_all_and_sums_rise_outward(rows: pl.DataFrame) -> None:
    point = ["side", "distance_bp", "assumption"]
    each = rows.filter(pl.col("exchange") != "all").group_by(point).agg(pl.col("cumulative_usd").sum().alias("each"))
    both = rows.filter(pl.col("exchange") == "all").join(each, on=point)
    assert (both["cumulative_usd"] == both["each"]).all()
    for _, line in both.group_by("side", "assumption"):
        assert line.sort("distance_bp")["cumulative_usd"].is_sorted()


def test_assumptions_differ_near_the_mark(rows: pl.DataFrame) -> None:
    near = rows.filter((pl.col("exchange") == "all") & (pl.col("distance_bp") == 500) & (pl.col("side") == "long"))
    usd = dict(near.select("assumption", "cumulative_usd").iter_rows())
    assert len(set(usd.values())) == 3


def test_figure_has_title_and_is_drawn(rows: pl.DataFrame) -> None:
    figure = still(sensitivity.draw(rows)).to_dict()
    text = json.dumps(figure)
    assert figure["title"]["text"] == "BTC liquidation map under three assumptions, modelled, 2026-01-12 23:00 UTC"
    for word in ("Modelled, not a record", "Simulated data of binance, okx", "public", "ladder", "fitted", "prior-"):
        assert word in text
    assert vl_convert.vegalite_to_png(figure)[:4] == b"\x89PNG"
