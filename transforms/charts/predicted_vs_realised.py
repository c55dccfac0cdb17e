"""Predicted against realised: what the map said stood where the mark then went, beside what was liquidated there."""

from __future__ import annotations

import math

import altair as alt
import polars as pl

from transforms.charts import style
from transforms.charts.amounts import hour_text, vega_amount
from transforms.charts.figure import Figure

_HEIGHT = 420
_FIGURES = 3
_TOLD = {
    "exchange": "exchange",
    "side": "side",
    "hour": "hour",
    "predicted_usd": "predicted, USD",
    "realised_usd": "realised, USD",
}
_LEAST = 1_000.0  # dollars; what is less is drawn at the edge


def known(rows: pl.DataFrame) -> pl.DataFrame:
    """Of mart.sweeps the hours and sides of which both are known."""
    return rows.filter(pl.col("predicted_usd").is_not_null() & pl.col("realised_usd").is_not_null())


def draw(rows: pl.DataFrame, coin: str) -> Figure:
    """The figure, of `known` rows: hour_utc, exchange, side, predicted_usd, realised_usd, completeness, source."""
    met = (
        known(rows)
        .filter((pl.col("predicted_usd") > 0) | (pl.col("realised_usd") > 0))
        .sort("hour_utc", "exchange", "side")
    )
    feeds = dict(met.group_by("exchange", maintain_order=True).agg(pl.col("completeness").last()).iter_rows())
    names = {name: f"{name} ({feeds[name]} feed)" for name in sorted(feeds)}
    colours = style.colours(list(names), style.EXCHANGE_COLOURS)
    series = {names[name]: colour for name, colour in colours.items()}
    quiet = met.filter(pl.col("realised_usd") < _LEAST).height
    source = str(rows["source"][-1]).capitalize()
    return Figure(
        title=f"{coin} predicted against realised, modelled and realised, to {hour_text(met['hour_utc'][-1])}",
        subtitle=(
            f"{source} data; each dot an hour and side: right, what the map of the hour before held where the mark "
            f"went; up, what the exchange's feed says was liquidated. {met.height} dots, {quiet} with less than 1K "
            "realised, drawn at the edge; on the dashed line the two agree",
        ),
        panels=(_panel(met.with_columns(pl.col("exchange").replace_strict(names)), series),),
        series=series,
        canvas=True,
    )


def _panel(met: pl.DataFrame, series: dict[str, str]) -> alt.LayerChart:
    most = max(2 * _LEAST, float(met.select(pl.max_horizontal("predicted_usd", "realised_usd").max()).item()) * 1.3)
    scale = alt.Scale(type="log", domain=[_LEAST, most], nice=False, clamp=True)
    ticks = [10.0**power for power in range(3, math.floor(math.log10(most)) + 1)]
    x = alt.X("stood:Q", scale=scale, axis=style.dollars("predicted, modelled (USD)", values=ticks))
    y = alt.Y("realised:Q", scale=scale, axis=style.dollars("realised (USD)", values=ticks))
    dots = (
        alt.Chart(_compact(met))
        .transform_filter(style.is_shown("exchange"))
        .transform_calculate(
            hour="utcFormat(datum.t, '%Y-%m-%d %H:%M') + ' UTC'",
            stood=f"max(datum.s, {_LEAST})",
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
            tooltip=[alt.Tooltip(f"{field}:N", title=title) for field, title in _TOLD.items()],
        )
    )
    ends = pl.DataFrame({"stood": [_LEAST, most], "realised": [_LEAST, most]})
    line = alt.Chart(ends).mark_line(style=["quiet"], strokeDash=[6, 4], strokeWidth=1.4).encode(x=x, y=y)
    return style.panel(line, dots, height=_HEIGHT, series=series)


def _compact(met: pl.DataFrame) -> pl.DataFrame:
    """There may be thousands: few letters each, the words are made where it is drawn."""
    usd = [pl.col(name).round_sig_figs(_FIGURES).cast(pl.Int64) for name in ("predicted_usd", "realised_usd")]
    return met.select(
        pl.col("hour_utc").dt.epoch("ms").alias("t"),
        "exchange",
        pl.col("side") + "s",
        usd[0].alias("s"),
        usd[1].alias("r"),
    )
