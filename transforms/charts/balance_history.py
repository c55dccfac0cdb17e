"""The long/short balance through time: notional within a distance of the mark, each side with its interval."""

from __future__ import annotations

import altair as alt
import polars as pl

from transforms.charts import style
from transforms.charts.amounts import amount, hour_text
from transforms.charts.figure import Figure

DISTANCES_BP = (100.0, 200.0, 500.0)
_HEIGHTS = (280, 130)
_FIGURES = 4
_BANDS = "; bands: 10th to 90th percentile (80 % credible interval)"


def draw(rows: pl.DataFrame, coin: str, distance_bp: float) -> Figure:
    """Draw one distance.

    rows: hour_utc, distance_bp, side (long or short), usd, low_usd, high_usd (null without an interval), imbalance,
    is_stale, parameters_version, source.
    """
    hours = (
        rows.filter(pl.col("distance_bp") == distance_bp)
        .sort("hour_utc", "side")
        .with_columns(
            pl.col("usd", "low_usd", "high_usd").round_sig_figs(_FIGURES),
            t=pl.col("hour_utc").dt.epoch("ms"),
            side=pl.col("side") + "s",
        )
    )
    last = hours.row(-1, named=True)
    stale = hours.filter("is_stale")["t"].n_unique()
    carried = f"; in {stale} of {hours['t'].n_unique()} hours an exchange was carried forward" if stale else ""
    return Figure(
        title=f"{coin} longs and shorts within {distance_bp / 100:g} %, modelled, to {hour_text(last['hour_utc'])}",
        subtitle=(
            f"{last['source'].capitalize()} data{carried}{_BANDS if hours['low_usd'].count() else ''}. Lower panel: "
            "imbalance, (longs - shorts) / (longs + shorts), above zero where longs are heavier. "
            f"Parameters {last['parameters_version']}",
        ),
        panels=(_sides(hours), _imbalance(hours)),
        series=style.SIDE_COLOURS,
    )


def _sides(hours: pl.DataFrame) -> alt.LayerChart:
    scale = alt.Scale(domain=list(style.SIDE_COLOURS), range=list(style.SIDE_COLOURS.values()))
    color = alt.Color("side:N", scale=scale, title="modelled")
    base = (
        alt.Chart(hours.select("t", "side", "usd", "low_usd", "high_usd"))
        .transform_filter(style.is_shown("side"))
        .encode(x=style.moments(), color=color)
    )
    axis = style.dollars("modelled USD", minExtent=style.EXTENT)
    band = base.mark_area(opacity=0.16).encode(y=alt.Y("low_usd:Q", axis=axis), y2="high_usd:Q")
    bands = [] if hours["low_usd"].is_null().all() else [band]
    line = base.mark_line(strokeWidth=2.2).encode(y=alt.Y("usd:Q", axis=axis))
    return style.panel(*bands, line, style.hover(_tooltips(hours)), height=_HEIGHTS[0], series=style.SIDE_COLOURS)


def _tooltips(hours: pl.DataFrame) -> pl.DataFrame:
    by_hour: dict[int, dict[str, object]] = {}
    for row in hours.iter_rows(named=True):
        blank = {"t": row["t"], "hour": hour_text(row["hour_utc"]), "longs": "", "shorts": ""}
        hour = by_hour.setdefault(row["t"], blank)
        span = "" if row["low_usd"] is None else f" ({amount(row['low_usd'])} - {amount(row['high_usd'])})"
        hour[row["side"]] = amount(row["usd"]) + span
        hour["imbalance"] = "" if row["imbalance"] is None else f"{row['imbalance']:+.2f}"
        hour["data"] = "stale: an exchange is carried forward" if row["is_stale"] else "of this hour"
    return pl.DataFrame(list(by_hour.values()))


def _imbalance(hours: pl.DataFrame) -> alt.LayerChart:
    one = hours.unique("t", maintain_order=True).select("t", "imbalance")
    axis = alt.Axis(title="imbalance", format="+.1f", tickCount=4, minExtent=style.EXTENT)
    y = alt.Y("imbalance:Q", axis=axis, scale=alt.Scale(nice=True))
    base = alt.Chart(one).encode(x=style.moments(), y=y)
    zero = alt.Chart(pl.DataFrame({"imbalance": [0.0]})).mark_rule(style=["quiet"]).encode(y=y)
    return style.panel(
        zero, base.mark_line(style=["ink"], strokeWidth=1.6), height=_HEIGHTS[1], series=style.SIDE_COLOURS
    )
