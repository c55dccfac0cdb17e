from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
import vl_convert

from tests.transforms.charts import past
from transforms.charts import heatmap, heatmap_rows
from transforms.charts.heatmap_rows import COLUMNS, ROWS, SPANS, Heat
from transforms.charts.style import still


@pytest.fixture
def heat() -> Heat:
    return Heat("BTC", "3d", "simulated", "prior-1", 1, 2, past.cells(), past.path())


def png(heat: Heat) -> bytes:
    made: bytes = vl_convert.vegalite_to_png(still(heatmap.draw(heat)).to_dict())
    return made


def test_heatmap_has_title_and_subtitle(heat: Heat) -> None:
    figure = heatmap.draw(heat)
    assert figure.title == "BTC liquidation heatmap, modelled, 3d to 2026-01-12 00:00 UTC"
    assert all(word in figure.subtitle[0] for word in ("Simulated data", "48 maps", "0.2 % of price", "prior-1"))
    assert "modelled USD per 0.2 % of price" in json.dumps(figure.panels[0].to_dict())
    assert figure.canvas
    assert png(heat)[:4] == b"\x89PNG"


def test_columns_hold_every_cell(heat: Heat) -> None:
    first = int(heat.cells["price_bucket"].to_numpy().min())
    columns = heatmap_rows.columns(heat.cells, first)
    assert len(columns) == heat.cells["hour_utc"].n_unique()
    assert sum(columns["usd"].list.sum()) == pytest.approx(heat.cells["notional_usd"].sum(), rel=0.01)


def test_missing_row_is_zero(heat: Heat) -> None:
    first = int(heat.cells["price_bucket"].to_numpy().min())
    whole = heatmap_rows.columns(heat.cells, first)["usd"][0]
    gap = heatmap_rows.columns(heat.cells.filter(pl.col("price_bucket") != first + 5), first)["usd"][0]
    assert gap.to_list() == [usd if at != 5 else 0 for at, usd in enumerate(whole.to_list())]


@pytest.mark.parametrize("span", list(SPANS))
def test_rows_and_columns_are_limited(span: str) -> None:
    hours = SPANS[span]
    marks = pl.Series([40_000.0 * (1 + 2 * at / hours) for at in range(hours)])
    path = pl.DataFrame(
        {
            "hour_utc": [past.LAST - timedelta(hours=back) for back in range(hours - 1, -1, -1)],
            "mark_price": marks,
            "lowest": marks,
            "highest": marks,
        }
    )
    step, buckets = heatmap_rows.step(path), heatmap_rows.buckets_a_row(path, span)
    low, high = heatmap_rows.reach(path, span)
    assert math.ceil(hours / step) <= COLUMNS
    assert math.log(high / low) / math.log(1.001) / buckets <= ROWS
    thin = heatmap_rows.thinned(Heat("BTC", span, "simulated", "p", step, buckets, past.cells(), path))
    assert len(thin) <= COLUMNS
    assert thin["lowest"].min() == 40_000.0


def test_thinned_path_keeps_extremes_and_last_hour(heat: Heat) -> None:
    thin = heatmap_rows.thinned(replace(heat, step=5))
    assert thin["t"][-1] == heat.path["hour_utc"].dt.epoch("ms")[-1]
    assert thin["lowest"].min() == heat.path["lowest"].min()
    assert thin["highest"].max() == heat.path["highest"].max()


def test_price_is_drawn_without_cells(heat: Heat) -> None:
    assert png(replace(heat, cells=heat.cells.clear()))[:4] == b"\x89PNG"


def test_single_hour_is_drawn(heat: Heat) -> None:
    hour = pl.col("hour_utc") == past.LAST
    assert png(replace(heat, cells=heat.cells.filter(hour), path=heat.path.filter(hour)))[:4] == b"\x89PNG"


def test_cells_span_their_rows_of_price(heat: Heat) -> None:
    """The drawn cells are read from the SVG: the tooltip of each holds its edges."""
    drawn = vl_convert.vegalite_to_svg(still(heatmap.draw(heat)).to_dict())
    shown = re.findall(r"low: [^;]+;.*?price: ([\d,]+) - ([\d,]+); modelled.*?d=\"M[^v]+v([\d.]+)", drawn)
    pairs = {(int(low.replace(",", "")), int(high.replace(",", ""))) for low, high, _ in shown}
    rows = heat.near["price_bucket"].unique()
    width = heat.buckets * math.log(1.001)
    assert pairs == {(round(math.exp(row * width)), round(math.exp((row + 1) * width))) for row in rows}
    low, high = heatmap_rows.reach(heat.path, heat.span)
    tallest = 1.6 * math.expm1(width) * max(pairs)[0] / (high - low) * heatmap._HEIGHT
    assert max(float(height) for *_, height in shown) <= tallest * 1.01


def test_outlier_does_not_stretch_the_colour_scale(heat: Heat) -> None:
    great = pl.when(pl.int_range(pl.len()) == 7).then(1e12).otherwise(pl.col("notional_usd"))
    figure = heatmap.draw(replace(heat, cells=heat.cells.with_columns(notional_usd=great)))
    assert '"domain": [3000000.0, 11000000.0]' in json.dumps(figure.panels[0].to_dict())
