"""One price level through time: its modelled notional, the band of that notional over 7 days, and the mark."""

from __future__ import annotations

import math
from datetime import timedelta

import altair as alt
import polars as pl

from transforms.charts import style
from transforms.charts.amounts import amount, hour_text, price_text
from transforms.charts.figure import Figure

_HEIGHTS = (280, 130)
BAND = timedelta(days=7)
"""Window of the band; `draw` needs rows from this long before the first drawn hour."""

_LOW, _HIGH = 0.1, 0.9
_MOST = 360  # most hours drawn; a longer history is thinned
_FIGURES = 4


def draw(rows: pl.DataFrame, coin: str, price: float, hours_drawn: int | None = None) -> Figure:
    """Draw rows of the macro level_history: hour_utc, side, notional_usd, intensity, mark_price, and so on.

    hours_drawn: draw the last so many hours, using earlier rows only for their bands. None draws all.
    """
    hours = _hours(rows, hours_drawn)
    last = rows.row(-1, named=True)
    low, high = (price_text(last[edge]) for edge in ("price_low", "price_high"))
    return Figure(
        title=f"{coin} level {low}-{high} through time, modelled, to {hour_text(last['hour_utc'])}",
        subtitle=(
            f"{last['source'].capitalize()} data; line: notional that would be liquidated in this 10 bp bucket; band: "
            "its own 10th to 90th percentile over the last 7 days, not an error: the model gives none for a single "
            f"bucket. Lower panel: the mark; dashed: the level. Parameters {last['parameters_version']}",
        ),
        panels=(_notional(hours), _mark(hours, price)),
        series=style.SIDE_COLOURS,
    )


def _hours(rows: pl.DataFrame, most: int | None) -> pl.DataFrame:
    """Add the band, and number the runs of hours on one side of the mark, each drawn as one line."""
    usd = pl.col("notional_usd")
    banded = rows.sort("hour_utc").with_columns(
        t=pl.col("hour_utc").dt.epoch("ms"),
        low=usd.rolling_quantile_by("hour_utc", window_size=BAND, quantile=_LOW),
        high=usd.rolling_quantile_by("hour_utc", window_size=BAND, quantile=_HIGH),
    )
    last = pl.col("hour_utc").max()
    recent = banded if most is None else banded.filter(pl.col("hour_utc") > last - pl.duration(hours=most))
    drawn = recent.reverse().gather_every(math.ceil(len(recent) / _MOST)).reverse()
    return drawn.with_columns(
        pl.col("notional_usd", "low", "high").round_sig_figs(_FIGURES),
        side=pl.col("side") + "s",
        run=(pl.col("side") != pl.col("side").shift()).fill_null(value=True).cum_sum(),
    )


def _notional(hours: pl.DataFrame) -> alt.LayerChart:
    base = alt.Chart(hours.select("t", "side", "run", "notional_usd")).encode(x=style.moments())
    band = (
        alt.Chart(hours.select("t", "low", "high"))
        .mark_area(style=["quiet"], opacity=0.22)
        .encode(x=style.moments(), y=alt.Y("low:Q", axis=_dollars()), y2="high:Q")
    )
    scale = alt.Scale(domain=list(style.SIDE_COLOURS), range=list(style.SIDE_COLOURS.values()))
    line = (
        base.transform_filter(style.is_shown("side"))
        .mark_line(strokeWidth=2.2, interpolate="step-after")
        .encode(
            y=alt.Y("notional_usd:Q", axis=_dollars()),
            color=alt.Color("side:N", scale=scale, title="would be liquidated"),
            detail="run:N",
        )
    )
    return style.panel(band, line, style.hover(_tooltips(hours)), height=_HEIGHTS[0], series=style.SIDE_COLOURS)


def _dollars() -> alt.Axis:
    return style.dollars("modelled USD in the bucket", minExtent=style.EXTENT)


def _tooltips(hours: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "t": row["t"],
            "hour": hour_text(row["hour_utc"]),
            "side": row["side"],
            "modelled, USD": amount(row["notional_usd"]),
            "10th-90th, 7 days": f"{amount(row['low'])} - {amount(row['high'])}",
            "intensity": "" if row["intensity"] is None else f"{row['intensity']:.2f}",
            "mark": price_text(row["mark_price"]),
        }
        for row in hours.iter_rows(named=True)
    )


def _mark(hours: pl.DataFrame, price: float) -> alt.LayerChart:
    y = alt.Y("mark_price:Q", scale=alt.Scale(zero=False), axis=_prices(price))
    line = (
        alt.Chart(hours.select("t", "mark_price"))
        .mark_line(style=["ink"], strokeWidth=1.6)
        .encode(x=style.moments(), y=y)
    )
    level = pl.DataFrame({"mark_price": [price]})
    rule = alt.Chart(level).mark_rule(style=["quiet"], strokeDash=[6, 4]).encode(y=y)
    return style.panel(line, rule, height=_HEIGHTS[1], series=style.SIDE_COLOURS)


def _prices(price: float) -> alt.Axis:
    return style.prices(price, title="mark (USD)", tickCount=4, grid=True, minExtent=style.EXTENT)
