"""The liquidation heatmap: time by price, modelled notional as colour, and the mark drawn over it."""

from __future__ import annotations

import altair as alt
import polars as pl

from transforms.charts import heatmap_rows as rows
from transforms.charts import style
from transforms.charts.amounts import decimals, hour_text, vega_amount
from transforms.charts.figure import Figure
from transforms.charts.heatmap_rows import Heat
from transforms.hourly.hours import HOUR_MS
from transforms.model import price_grid

_HEIGHT = 460
_NO_MAP = "#9aa0a6"
_DARKEST, _BRIGHTEST = 0.18, 0.997  # quantiles at the ends of the colour scale
_UNDER = 0.6  # share of a cell that overlaps the next one, so that no seams show


def draw(heat: Heat) -> Figure:
    """Draw the heatmap; without cells, the price alone."""
    price = alt.Scale(domain=list(rows.reach(heat.path, heat.span)), nice=False, zero=False)
    cells = [] if heat.near.is_empty() else [_cells(heat, price)]
    view = alt.ViewBackground(fill=_NO_MAP)
    return Figure(
        title=f"{heat.coin} liquidation heatmap, modelled, {heat.span} to {hour_text(heat.path['hour_utc'][-1])}",
        subtitle=(_subtitle(heat),),
        panels=(style.panel(*cells, *_mark(heat, price), height=_HEIGHT, view=view),),
        canvas=True,
    )


def _subtitle(heat: Heat) -> str:
    interval = "every hour" if heat.step == 1 else f"every {heat.step} hours"
    count = heat.cells["hour_utc"].n_unique()
    maps = "1 map" if count == 1 else f"{count} maps, one {interval}"
    return (
        f"{heat.source.capitalize()} data, modelled, not observed orders; {maps}; "
        f"rows of {heat.buckets / 10:g} % of price; line: the mark; band: its low and high; grey: no map; "
        f"parameters {heat.parameters_version}"
    )


def _cells(heat: Heat, price: alt.Scale) -> alt.Chart:
    near = heat.near
    first = int(near.select(pl.col("price_bucket").min()).item())
    low, high, overlapped = (
        f"exp((datum.r + datum.i + {first + above}) * {heat.buckets * price_grid.WIDTH!r})"
        for above in (0, 1, 1 + _UNDER)
    )
    digits = f"',.{decimals(heat.mark)}f'"
    chart: alt.Chart = (
        alt.Chart(rows.columns(near, first))
        .transform_calculate(i="sequence(length(datum.usd))")
        .transform_flatten(["usd", "i"])
        .transform_calculate(
            low=low,
            high=overlapped,
            end=f"datum.t + {(1 + _UNDER) * heat.step * HOUR_MS}",
            hour="utcFormat(datum.t, '%Y-%m-%d %H:%M') + ' UTC'",
            price=f"format({low}, {digits}) + ' - ' + format({high}, {digits})",
            modelled=vega_amount("datum.usd"),
        )
        .mark_rect(clip=True)
        .encode(
            x=style.moments(),
            x2="end:T",
            y=alt.Y("low:Q", scale=price, axis=_axis(heat)),
            y2="high:Q",
            color=_colour(heat, near["notional_usd"]),
            tooltip=[_tip("hour", "map of"), _tip("price", "price"), _tip("modelled", "modelled, USD")],
        )
    )
    return chart


def _tip(field: str, title: str) -> alt.Tooltip:
    return alt.Tooltip(f"{field}:N", title=title)


def _axis(heat: Heat) -> alt.Axis:
    return style.prices(heat.mark, tickCount=8)


def _colour(heat: Heat, usd: pl.Series) -> alt.Color:
    """Return a logarithmic colour scale between quantiles, so that one large level does not darken all others."""
    low, high = (float(usd.quantile(q) or 0) for q in (_DARKEST, _BRIGHTEST))
    ends = [max(low, high / 1e3, 1.0), max(high, 2.0)]
    ticks = [m * 10.0**power for power in range(13) for m in (1, 2, 3, 5) if ends[0] <= m * 10.0**power <= ends[1]]
    legend = alt.Legend(
        title=f"modelled USD per {heat.buckets / 10:g} % of price",
        titleOrient="top",
        gradientLength=alt.ExprRef("min(width - 24, 320)"),
        labelExpr=vega_amount(),
        direction="horizontal",
        values=ticks,
    )
    scale = alt.Scale(type="log", scheme="viridis", domain=ends, clamp=True, nice=False)
    return alt.Color("usd:Q", legend=legend, scale=scale)


def _mark(heat: Heat, price: alt.Scale) -> list[alt.Chart]:
    """Return the mark's range and its line, white with a dark edge to be visible on every colour."""
    base = alt.Chart(rows.thinned(heat)).encode(x=style.moments(heat.ends))
    band = base.mark_area(color="white", opacity=0.3).encode(
        y=alt.Y("lowest:Q", scale=price, axis=_axis(heat)), y2="highest:Q"
    )
    line = base.encode(y=alt.Y("mark_price:Q", scale=price, axis=_axis(heat)))
    edge = line.mark_line(color="black", strokeWidth=3.6, opacity=0.7, strokeJoin="round")
    return [band, edge, line.mark_line(color="white", strokeWidth=1.6, strokeJoin="round")]
