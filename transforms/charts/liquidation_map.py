"""The liquidation map: bars by exchange or leverage over price, cumulative longs and shorts on a second axis."""

from __future__ import annotations

import altair as alt
import polars as pl

from transforms.charts import liquidation_map_rows as rows
from transforms.charts import style
from transforms.charts.amounts import hour_text, price_text
from transforms.charts.figure import Figure
from transforms.charts.snapshot import Snapshot
from transforms.model import price_grid

_HEIGHT = 460
_OPENED = {"1d": "opened in the last day", "7d": "opened in the last 7 days", "30d": "opened in the last 30 days"}


def draw(market: Snapshot, window: str = "all", by: str = "exchange") -> Figure:
    """Draw the map. A series is an exchange or a leverage class; hiding one changes bars and curves alike."""
    series = style.colours(rows.parts(market, by), style.EXCHANGE_COLOURS | style.LEVERAGE_COLOURS)
    drawn = rows.bars(market, window, by)
    price = alt.Scale(domain=price_grid.edge(rows.reach(market)).tolist(), nice=False, zero=False)
    bars = _bars(market, drawn, price, by, series).transform_filter(style.is_shown(by))
    lines = _curves(rows.curves(market, window, by), price, by)
    layers: list[alt.Chart | alt.LayerChart] = [bars, lines, *_mark(market, price), _columns(market, drawn, price, by)]
    own = {"scale": {"y": "independent", "color": "independent"}}
    panel = style.panel(*layers, height=_HEIGHT, series=series, resolve=own)
    return Figure(
        title=f"{market.coin} liquidation map by {by}, modelled, {hour_text(market.hour)}",
        subtitle=_subtitle(market, window),
        panels=(panel,),
        series=series,
    )


def _bars(market: Snapshot, drawn: pl.DataFrame, price: alt.Scale, by: str, series: dict[str, str]) -> alt.Chart:
    order = pl.DataFrame({by: list(series), "place": range(len(series))}, schema_overrides={by: drawn.schema[by]})
    stacked = drawn.group_by(by, "price_low", "price_high", maintain_order=True).agg(pl.col("usd").sum())
    scale = alt.Scale(domain=list(series), range=list(series.values()))
    chart: alt.Chart = (
        alt.Chart(stacked.join(order, on=by))
        .mark_bar(style=["halo"], strokeWidth=0.4, binSpacing=0)
        .encode(
            x=alt.X(
                "price_low:Q",
                bin="binned",
                scale=price,
                axis=style.prices(market.mark, tickCount=alt.ExprRef("max(3, floor(width / 90))")),
            ),
            x2="price_high:Q",
            y=alt.Y("usd:Q", stack="zero", axis=style.dollars("modelled USD per 0.2 % of price")),
            color=alt.Color(f"{by}:N", scale=scale, title=by),
            order=alt.Order("place:Q"),
        )
    )
    return chart


def _curves(lines: pl.DataFrame, price: alt.Scale, by: str) -> alt.LayerChart:
    axis = style.dollars("cumulative from the mark (USD)", orient="right", grid=False)
    path = (
        alt.Chart(lines)
        .transform_filter(style.is_shown(by))
        .encode(
            x=alt.X("price:Q", scale=price),
            y=alt.Y("sum(cumulative_usd):Q", axis=axis, scale=alt.Scale(domainMin=0)),
            detail="side:N",
        )
    )
    # An edge in the background colour keeps the line visible on bars of any colour.
    edge = path.mark_line(style=["halo"], strokeWidth=5, opacity=0.85)
    if by != "exchange":  # leverage colours include those of the sides
        return alt.LayerChart(layer=[edge, path.mark_line(style=["ink"], strokeWidth=2.2)])
    colours = alt.Scale(domain=list(style.SIDE_COLOURS), range=list(style.SIDE_COLOURS.values()))
    colour = alt.Color("side:N", scale=colours, title="cumulative", legend=alt.Legend(symbolType="stroke"))
    return alt.LayerChart(layer=[edge, path.mark_line(strokeWidth=2.6).encode(colour)])


def _mark(market: Snapshot, price: alt.Scale) -> list[alt.Chart]:
    label = f"mark {price_text(market.mark)}"
    line = alt.Chart(pl.DataFrame({"price": [market.mark], "label": [label]})).encode(x=alt.X("price:Q", scale=price))
    text = line.mark_text(style=["ink"], align="left", dx=6, fontSize=13, fontWeight="bold").encode(
        y=alt.value(12), text="label:N"
    )
    return [line.mark_rule(style=["ink"], strokeDash=[6, 4], strokeWidth=1.6), text]


def _columns(market: Snapshot, drawn: pl.DataFrame, price: alt.Scale, by: str) -> alt.Chart:
    """Return an invisible full-height column over each bar, so that a tooltip opens anywhere above it."""
    hover = alt.selection_point(name="hover", on="pointerover", clear="pointerout", empty=False)
    tooltips = rows.tooltips(market, drawn, by)
    chart: alt.Chart = (
        alt.Chart(tooltips)
        .mark_rect(style=["ink"])
        .encode(
            x=alt.X("price_low:Q", scale=price),
            x2="price_high:Q",
            y=alt.value(0),
            y2=alt.value("height"),
            opacity=alt.condition(hover, alt.value(0.1), alt.value(0)),
            tooltip=[alt.Tooltip(style.literal(name), title=name) for name in tooltips.columns[2:]],
        )
        .add_params(hover)
    )
    return chart


def _subtitle(market: Snapshot, window: str) -> tuple[str, ...]:
    origin = f"Modelled, not a record. {market.source.capitalize()} data of {', '.join(market.exchanges)}"
    line = f"{origin}; positions {_OPENED.get(window, 'of any age')}; parameters {market.parameters_version}"
    return (line, *(["; ".join(market.remarks())] if market.remarks() else []))
