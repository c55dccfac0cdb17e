from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
import vl_convert

from transforms.charts import liquidation_map, liquidation_map_rows
from transforms.charts.snapshot import WINDOWS, Snapshot
from transforms.charts.style import still


def walk(node: Any) -> list[dict[str, Any]]:
    """Return every object in a specification."""
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return ([node] if isinstance(node, dict) else []) + [found for child in inner for found in walk(child)]


def test_bars_sum_to_the_levels(market: Snapshot) -> None:
    bars = liquidation_map_rows.bars(market)
    low, high = bars["price_low"].min(), bars["price_high"].max()
    assert isinstance(low, float)
    assert isinstance(high, float)
    assert low <= market.mark * 0.9
    assert high >= market.mark * 1.1
    near = market.levels.filter(
        (pl.col("price_low") >= low * (1 - 1e-12)) & (pl.col("price_high") <= high * (1 + 1e-12))
    )
    assert bars["usd"].sum() == pytest.approx(near["notional_usd"].sum(), rel=1e-12)
    assert bars.select("price_bucket", "exchange", "side").is_unique().all()


@pytest.mark.parametrize("window", list(WINDOWS))
def test_window_selects_its_column(market: Snapshot, window: str) -> None:
    share = {"1d": 0.25, "7d": 0.5, "30d": 0.9, "all": 1.0}[window]
    every = liquidation_map_rows.bars(market)["usd"].sum()
    assert liquidation_map_rows.bars(market, window)["usd"].sum() == pytest.approx(share * every)
    assert WINDOWS[window] in liquidation_map_rows.table(market, window).columns


def test_curves_rise_outward_from_zero_to_the_total(market: Snapshot) -> None:
    curves, bars = liquidation_map_rows.curves(market), liquidation_map_rows.bars(market)
    for (exchange, side), line in curves.group_by("exchange", "side"):
        outward = line.sort((pl.col("price") - market.mark).abs())
        assert outward.row(0, named=True)["cumulative_usd"] == 0
        assert outward["price"][0] == market.mark
        assert outward["cumulative_usd"].is_sorted()
        mine = bars.filter((pl.col("exchange") == exchange) & (pl.col("side") == str(side).rstrip("s")))
        assert outward["cumulative_usd"][-1] == pytest.approx(mine["usd"].sum(), rel=1e-12)


def test_exchange_curves_share_their_points(market: Snapshot) -> None:
    points = liquidation_map_rows.curves(market).group_by("side", "price").len()["len"]
    assert points.unique().to_list() == [3]


def drawn(market: Snapshot, window: str = "all", by: str = "exchange") -> dict[str, Any]:
    spec: dict[str, Any] = still(liquidation_map.draw(market, window, by)).to_dict()
    return spec


def test_bars_are_stacked(market: Snapshot) -> None:
    vega = vl_convert.vegalite_to_vega(drawn(market))
    assert any(node.get("type") == "stack" for node in walk(vega))


def test_figure_has_title_subtitle_and_labels(market: Snapshot) -> None:
    figure = liquidation_map.draw(market, "7d")
    assert figure.title == "BTC liquidation map by exchange, modelled, 2026-01-12 00:00 UTC"
    said = " ".join(figure.subtitle)
    for word in (
        "Modelled",
        "Simulated",
        "opened in the last 7 days",
        "parameters prior-1",
        "okx carried since 01-11 22:00 UTC",
    ):
        assert word in said
    spec = drawn(market, "7d")
    text = json.dumps(spec)
    assert "mark 103,753" in text
    assert '"strokeDash"' in text
    assert "modelled USD per 0.2 % of price" in text
    assert spec["title"] == {"text": figure.title, "subtitle": list(figure.subtitle)}
    assert spec["vconcat"][0]["resolve"]["scale"]["y"] == "independent"


def test_palette_is_okabe_ito(market: Snapshot) -> None:
    assert liquidation_map.draw(market).series == {"binance": "#E69F00", "bybit": "#56B4E9", "okx": "#009E73"}
    assert all(colour in json.dumps(drawn(market)) for colour in ("#E69F00", "#D55E00", "#0072B2"))


def test_hidden_series_are_filtered_from_bars_and_curves(market: Snapshot) -> None:
    filters = [node["filter"] for node in walk(drawn(market)) if "filter" in node]
    assert filters == ["indexof(shown, datum['exchange']) >= 0"] * 3


def test_single_exchange_is_drawn(market: Snapshot) -> None:
    alone = market.only("okx")
    assert liquidation_map_rows.bars(alone)["exchange"].unique().to_list() == ["okx"]
    assert list(liquidation_map.draw(alone).series) == ["okx"]
    assert "mark 103,748" in json.dumps(drawn(alone))


def test_exchange_without_levels_is_drawn(market: Snapshot) -> None:
    silent = replace(market, levels=market.levels.filter(pl.col("exchange") != "okx"))
    assert vl_convert.vegalite_to_png(drawn(silent))[:4] == b"\x89PNG"


def test_leverage_bars_stack_from_the_highest_class(market: Snapshot) -> None:
    classes = pl.Series("leverage_class", [["100x+", "5x"]] * len(market.levels))
    levels = market.levels.with_columns(classes).explode("leverage_class")
    split = replace(market, levels=levels.with_columns(pl.col("^notional.*$") / 2))
    assert list(liquidation_map.draw(split, by="leverage").series) == ["100x+", "5x"]
    bars = liquidation_map_rows.bars(split, by="leverage")
    assert bars["usd"].sum() == pytest.approx(liquidation_map_rows.bars(market)["usd"].sum(), rel=1e-12)
    table = liquidation_map_rows.table(split, by="leverage")
    assert "leverage_class" in table.columns
    assert vl_convert.vegalite_to_png(drawn(split, by="leverage"))[:4] == b"\x89PNG"


def test_cheap_coin_has_enough_decimals(market: Snapshot) -> None:
    prices = [pl.col("price_low", "price_high") / 600_000]
    shift = -13_312  # number of buckets between the two prices
    cheap = replace(
        market,
        levels=market.levels.with_columns(*prices, price_bucket=pl.col("price_bucket") + shift),
        exchange_rows=market.exchange_rows.with_columns(pl.col("mark_price") / 600_000),
    )
    text = json.dumps(drawn(cheap))
    assert '",.5f"' in text
    assert "mark 0.17292" in text
