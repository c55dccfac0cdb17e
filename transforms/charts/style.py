"""Style of all charts: colours, fonts and axes, light and dark; and a figure as one still picture."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from textwrap import wrap
from typing import Any

import altair as alt
import polars as pl

from transforms.charts.amounts import decimals, vega_amount
from transforms.charts.figure import Figure

# Okabe and Ito's palette: distinct to colour-blind readers, and visible on white and on black.
EXCHANGE_COLOURS = {"binance": "#E69F00", "bybit": "#56B4E9", "okx": "#009E73"}
SIDE_COLOURS = {"longs": "#D55E00", "shorts": "#0072B2"}
SPARE_COLOURS = ("#CC79A7", "#F0E442", "#999999")
# Paul Tol's sunset, from hot to cool.
LEVERAGE_COLOURS = {
    "100x+": "#DD3D2D", "50x": "#F67E4B", "25x": "#FDB366", "10x": "#FEDA8B", "5x": "#98CAE1", "3x": "#6EA6CD",
    "2x": "#4A7BB7",
}  # fmt: skip
STILL_WIDTH = 1040
_HOUR_MS = 3_600_000
_LETTERS = 165  # characters of a subtitle that fit in that width
EXTENT = 62
"""Space to the left of stacked charts, so that their time axes line up."""

_MOMENT = (
    "utchours(datum.value) ? utcFormat(datum.value, '%H:%M') : utcdate(datum.value) == 1 && utcmonth(datum.value) == 0"
    " ? utcFormat(datum.value, '%Y') : utcFormat(datum.value, '%-d %b')"
)
_FONT = "Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"
_TEXT = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}


def config(*, dark: bool = False) -> dict[str, Any]:
    """Return Vega-Lite's settings. Marks that take their colour from the theme name a style: `ink`, `halo`, `quiet`."""
    paper, ink, soft, grid = ("#14181d", "#e8eaed", "#aab2bd", "#2a313a") if dark else (
        "#ffffff", "#222222", "#555555", "#e6e9ee"
    )  # fmt: skip
    return {
        "background": paper,
        "font": _FONT,
        "view": {"stroke": grid},
        "axis": _TEXT | {"gridColor": grid, "domainColor": soft, "tickColor": soft, "labelColor": soft,
                         "titleColor": soft, "labelOverlap": "greedy"},
        "legend": _TEXT | {"orient": "top", "titleOrient": "left", "titleLimit": 400, "labelLimit": 400,
                           "symbolSize": 120, "columnPadding": 14, "padding": 8, "offset": 2, "labelColor": ink,
                           "titleColor": soft},
        "title": {"fontSize": 18, "subtitleFontSize": 12.5, "color": ink, "subtitleColor": soft, "anchor": "start",
                  "offset": 12},
        "style": {"ink": {"color": ink}, "halo": {"color": paper, "stroke": paper}, "quiet": {"color": soft}},
    }  # fmt: skip


def colours(names: list[str], known: dict[str, str]) -> dict[str, str]:
    """Return a colour for each name: the known one, or the next spare one."""
    spare = iter(SPARE_COLOURS * len(names))
    return {name: known.get(name) or next(spare) for name in names}


def literal(field: str) -> str:
    """Return the encoding of a nominal field; its name may contain a dot, such as `1.6x`."""
    return field.replace(".", "\\.") + ":N"


def dollars(title: str, **options: Any) -> alt.Axis:
    """Return an axis of dollars: 500M, 1.5B."""
    settings: dict[str, Any] = {"title": title, "labelExpr": vega_amount(), "tickCount": 6} | options
    return alt.Axis(**settings)


def prices(price: float, **options: Any) -> alt.Axis:
    """Return an axis of prices, with the decimals that a price of this size needs."""
    settings: dict[str, Any] = {"title": "price (USD)", "format": f",.{decimals(price)}f", "grid": False} | options
    return alt.Axis(**settings)


def moments(ends: tuple[datetime, datetime] | None = None) -> alt.X:
    """Return the time axis, UTC, of milliseconds since 1970 in `t`."""
    domain = [_moment(end) for end in ends] if ends else alt.Undefined
    axis = alt.Axis(
        title="UTC",
        titleAnchor="end",
        titlePadding=2,
        labelExpr=_MOMENT,
        tickCount=alt.ExprRef("max(3, floor(width / 90))"),
        grid=False,
    )
    scale = alt.Scale(type="utc", nice=False, domain=domain)
    return alt.X("t:T", scale=scale, axis=axis)


def _moment(time: datetime) -> alt.DateTime:
    return alt.DateTime(utc=True, year=time.year, month=time.month, date=time.day, hours=time.hour)


def hover(tooltips: pl.DataFrame) -> alt.Chart:
    """Return an invisible bar per hour `t`, as high as the chart, with the other columns, all text, as its tooltip."""
    over = alt.selection_point(name="hover", on="pointerover", clear="pointerout", empty=False)
    half = (tooltips["t"].diff().median() or _HOUR_MS) / 2  # type: ignore[operator]
    column: alt.Chart = (
        alt.Chart(tooltips.with_columns(pl.col("t") - half, end=pl.col("t") + half))
        .mark_rect(style=["ink"], clip=True)
        .encode(
            x=moments(),
            x2="end:T",
            y=alt.value(0),
            y2=alt.value("height"),
            opacity=alt.condition(over, alt.value(0.1), alt.value(0)),
            tooltip=[alt.Tooltip(literal(name), title=name) for name in tooltips.columns if name != "t"],
        )
        .add_params(over)
    )
    return column


def panel(
    *layers: alt.Chart | alt.LayerChart, height: int, series: Iterable[str] = (), **options: Any
) -> alt.LayerChart:
    """Return layers as one chart. A page hides and shows series by its parameter `shown`.

    All options are set at once because each later change of a layered chart copies its data.
    """
    shown = [alt.VariableParameter(name="shown", value=list(series))] if series else alt.Undefined
    return alt.LayerChart(layer=list(layers), height=height, params=shown, **options)


def is_shown(field: str) -> str:
    """Return the filter expression for the series that a chart shows."""
    return f"indexof(shown, datum['{field}']) >= 0"


def still(figure: Figure) -> alt.VConcatChart:
    """Return the figure with its title above it, in the light theme, as a picture without interaction."""
    panels = [panel.properties(width=STILL_WIDTH) for panel in figure.panels]
    chart: alt.VConcatChart = (
        alt.VConcatChart(vconcat=panels, spacing=12)
        .properties(
            title={
                "text": figure.title,
                "subtitle": [line for text in figure.subtitle for line in wrap(text, _LETTERS)],
            }
        )
        .configure(**config())
    )
    return chart
