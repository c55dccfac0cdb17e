"""The liquidation map: bars by exchange over price, cumulative longs and shorts on a second axis, the mark."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from transforms.charts import liquidation_map_rows as rows
from transforms.charts.amounts import decimals, hour_text, price_text
from transforms.charts.snapshot import Snapshot

_SIZE = {"width": 1040, "height": 460}
# Okabe and Ito's palette, which the colour-blind can tell apart: bars take three, lines two others.
_VENUE_COLOURS = {"binance": "#E69F00", "bybit": "#56B4E9", "okx": "#009E73"}
_SPARE_COLOURS = ("#CC79A7", "#F0E442", "#999999")
_SIDE_COLOURS = {"longs": "#D55E00", "shorts": "#0072B2"}
_OPENED = {"1d": "opened in the last day", "7d": "opened in the last 7 days", "30d": "opened in the last 30 days"}
_DOLLARS = "replace(replace(format(datum.value, '~s'), 'G', 'B'), 'k', 'K')"
_TEXT: dict[str, Any] = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
_FONT = "Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"


def draw(market: Snapshot, window: str = "all", *, on_page: bool = False) -> alt.LayerChart:
    """The figure. `on_page`: a click on an exchange in the legend takes it out, or puts it back, bars and curves."""
    shown = alt.selection_point(
        name="shown", fields=["exchange"], bind="legend", toggle="true", clear=False, empty=False,
        value=[{"exchange": name} for name in market.exchanges],
    )  # fmt: skip
    drawn = rows.bars(market, window)
    price = alt.Scale(domain=[rows.STEP**edge for edge in rows.reach(market)], nice=False, zero=False)
    legend = "exchange (click to hide or show)" if on_page else "exchange"
    volume = _bars(market, drawn, price, legend).add_params(shown).transform_filter(shown)
    lines = _curves(rows.curves(market, window), price).transform_filter(shown)
    layers = alt.LayerChart(layer=[volume, lines, _mark(market, price), _columns(market, drawn, price)])
    figure: alt.LayerChart = (
        layers.resolve_scale(y="independent", color="independent")
        .properties(title=_title(market, window), description=_title(market, window)["text"], **_SIZE)
        .configure(background="white", font=_FONT)
        .configure_view(stroke="#d0d4da")
        .configure_axis(**_TEXT, gridColor="#eceff3", labelColor="#333")
        .configure_legend(
            **_TEXT,
            orient="top",
            titleOrient="left",
            titleLimit=400,
            symbolSize=120,
            columnPadding=14,
            padding=10,
            offset=2,
        )
        .configure_title(fontSize=18, subtitleFontSize=12.5, subtitleColor="#555", anchor="start", offset=12)
    )
    return figure


def _colours(exchanges: list[str]) -> alt.Scale:
    spare = iter(_SPARE_COLOURS * len(exchanges))
    return alt.Scale(domain=exchanges, range=[_VENUE_COLOURS.get(name) or next(spare) for name in exchanges])


def _price_axis(market: Snapshot) -> alt.Axis:
    return alt.Axis(title="price (USD)", format=f",.{decimals(market.mark)}f", tickCount=12, grid=False)


def _bars(market: Snapshot, drawn: pl.DataFrame, price: alt.Scale, legend: str) -> alt.Chart:
    stacked = drawn.group_by("exchange", "price_low", "price_high", maintain_order=True).agg(pl.col("usd").sum())
    axis = alt.Axis(title="modelled notional per 0.2 % of price (USD)", labelExpr=_DOLLARS, tickCount=6)
    chart: alt.Chart = (
        alt.Chart(stacked)
        .mark_bar(stroke="white", strokeWidth=0.4, binSpacing=0)
        .encode(
            x=alt.X("price_low:Q", bin="binned", scale=price, axis=_price_axis(market)),
            x2="price_high:Q",
            y=alt.Y("usd:Q", stack="zero", axis=axis),
            color=alt.Color("exchange:N", scale=_colours(market.exchanges), title=legend),
            order=alt.Order("exchange:O"),
        )
    )
    return chart


def _curves(lines: pl.DataFrame, price: alt.Scale) -> alt.LayerChart:
    axis = alt.Axis(title="cumulative from the mark (USD)", labelExpr=_DOLLARS, orient="right", grid=False, tickCount=6)
    colours = alt.Scale(domain=list(_SIDE_COLOURS), range=list(_SIDE_COLOURS.values()))
    path = alt.Chart(lines).encode(
        x=alt.X("price:Q", scale=price),
        y=alt.Y("sum(cumulative_usd):Q", axis=axis, scale=alt.Scale(domainMin=0)),
        detail="side:N",
    )
    colour = alt.Color("side:N", scale=colours, title="cumulative", legend=alt.Legend(symbolType="stroke"))
    # a white edge, so that the line is seen on bars of any colour
    edge = path.mark_line(strokeWidth=5, color="white", opacity=0.85)
    return alt.LayerChart(layer=[edge, path.mark_line(strokeWidth=2.6).encode(colour)])


def _mark(market: Snapshot, price: alt.Scale) -> alt.LayerChart:
    label = f"mark {price_text(market.mark)}"
    line = alt.Chart(pl.DataFrame({"price": [market.mark], "label": [label]})).encode(x=alt.X("price:Q", scale=price))
    text = line.mark_text(align="left", dx=6, fontSize=13, fontWeight="bold", color="#222").encode(
        y=alt.value(12), text="label:N"
    )
    return alt.LayerChart(layer=[line.mark_rule(strokeDash=[6, 4], strokeWidth=1.6, color="#222"), text])


def _columns(market: Snapshot, drawn: pl.DataFrame, price: alt.Scale) -> alt.Chart:
    """An invisible column over each bar, as high as the figure, so that the tooltip needs no aim and tells all."""
    hover = alt.selection_point(name="hover", on="pointerover", clear="pointerout", empty=False)
    told = rows.told(market, drawn)
    chart: alt.Chart = (
        alt.Chart(told)
        .mark_rect(color="#222")
        .encode(
            x=alt.X("price_low:Q", scale=price),
            x2="price_high:Q",
            y=alt.value(0),
            y2=alt.value(_SIZE["height"]),
            opacity=alt.condition(hover, alt.value(0.08), alt.value(0)),
            tooltip=[alt.Tooltip(f"{name}:N") for name in told.columns[2:]],
        )
        .add_params(hover)
    )
    return chart


def _title(market: Snapshot, window: str) -> dict[str, Any]:
    about = f"Modelled, not a record. {market.source.capitalize()} data of {', '.join(market.exchanges)}"
    subtitle = [f"{about}; positions {_OPENED.get(window, 'of any age')}; parameters {market.parameters_version}"]
    return {
        "text": f"{market.coin} liquidation map, {hour_text(market.hour)}",
        "subtitle": subtitle + (["; ".join(market.remarks())] if market.remarks() else []),
    }
