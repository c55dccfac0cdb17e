"""Predicted against realised: the map's notional in the range that the mark then crossed, against liquidations."""

from __future__ import annotations

import math

import altair as alt
import polars as pl

from transforms.charts import style
from transforms.charts.amounts import hour_text, vega_amount
from transforms.charts.figure import Figure

_HEIGHT = 420
_FIGURES = 3
_TOOLTIP = {
    "exchange": "exchange",
    "side": "side",
    "hour": "hour",
    "predicted_usd": "predicted, USD",
    "realised_usd": "realised, USD",
}
_LEAST = 1_000.0  # dollars; smaller amounts are drawn at the edge


def known(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of mart.sweeps with both a predicted and a realised amount."""
    return rows.filter(pl.col("predicted_usd").is_not_null() & pl.col("realised_usd").is_not_null())


def draw(rows: pl.DataFrame, coin: str) -> Figure:
    """Draw the `known` rows: hour_utc, exchange, side, predicted_usd, realised_usd, completeness, source."""
    pairs = (
        known(rows)
        .filter((pl.col("predicted_usd") > 0) | (pl.col("realised_usd") > 0))
        .sort("hour_utc", "exchange", "side")
    )
    feeds = dict(pairs.group_by("exchange", maintain_order=True).agg(pl.col("completeness").last()).iter_rows())
    names = {name: f"{name} ({feeds[name]} feed)" for name in sorted(feeds)}
    colours = style.colours(list(names), style.EXCHANGE_COLOURS)
    series = {names[name]: colour for name, colour in colours.items()}
    quiet = pairs.filter(pl.col("realised_usd") < _LEAST).height
    source = str(rows["source"][-1]).capitalize()
    return Figure(
        title=f"{coin} liquidations, predicted (modelled) against realised, to {hour_text(pairs['hour_utc'][-1])}",
        subtitle=(
            f"{source} data; one dot per hour, exchange and side. Predicted: notional of the previous hour's map in "
            "the range that the mark then crossed; realised: liquidations in the exchange's feed. "
            f"{pairs.height} dots, {quiet} with less than 1K realised, drawn at the edge; dashed line: both agree",
        ),
        panels=(_panel(pairs.with_columns(pl.col("exchange").replace_strict(names)), series),),
        series=series,
        canvas=True,
    )


def _panel(pairs: pl.DataFrame, series: dict[str, str]) -> alt.LayerChart:
    most = max(2 * _LEAST, float(pairs.select(pl.max_horizontal("predicted_usd", "realised_usd").max()).item()) * 1.3)
    scale = alt.Scale(type="log", domain=[_LEAST, most], nice=False, clamp=True)
    ticks = [10.0**power for power in range(3, math.floor(math.log10(most)) + 1)]
    x = alt.X("predicted:Q", scale=scale, axis=style.dollars("predicted, modelled (USD)", values=ticks))
    y = alt.Y("realised:Q", scale=scale, axis=style.dollars("realised (USD)", values=ticks))
    dots = (
        alt.Chart(_compact(pairs))
        .transform_filter(style.is_shown("exchange"))
        .transform_calculate(
            hour="utcFormat(datum.t, '%Y-%m-%d %H:%M') + ' UTC'",
            predicted=f"max(datum.s, {_LEAST})",
            realised=f"max(datum.r, {_LEAST})",
            predicted_usd=vega_amount("datum.s"),
            realised_usd=vega_amount("datum.r"),
        )
        .mark_point(filled=True, size=38, opacity=0.65)
        .encode(
            x=x,
            y=y,
            color=alt.Color("exchange:N", scale=alt.Scale(domain=list(series), range=list(series.values()))),
            shape=alt.Shape("side:N", scale=alt.Scale(domain=["longs", "shorts"], range=["circle", "triangle-up"])),
            tooltip=[alt.Tooltip(f"{field}:N", title=title) for field, title in _TOOLTIP.items()],
        )
    )
    ends = pl.DataFrame({"predicted": [_LEAST, most], "realised": [_LEAST, most]})
    line = alt.Chart(ends).mark_line(style=["quiet"], strokeDash=[6, 4], strokeWidth=1.4).encode(x=x, y=y)
    return style.panel(line, dots, height=_HEIGHT, series=series)


def _compact(pairs: pl.DataFrame) -> pl.DataFrame:
    """Shorten the rows, of which there may be thousands; the chart itself formats the texts."""
    usd = [pl.col(name).round_sig_figs(_FIGURES).cast(pl.Int64) for name in ("predicted_usd", "realised_usd")]
    return pairs.select(
        pl.col("hour_utc").dt.epoch("ms").alias("t"),
        "exchange",
        pl.col("side") + "s",
        usd[0].alias("s"),
        usd[1].alias("r"),
    )
