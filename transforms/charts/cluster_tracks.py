"""Cluster tracks: a box per track from birth to end, over its last price range, coloured by its status."""

from __future__ import annotations

import altair as alt
import polars as pl

from transforms.charts import style
from transforms.charts.amounts import amount, hour_text, price_text
from transforms.charts.figure import Figure

_HEIGHT = 420
_MOST = 150
_AROUND = 0.05  # margin around the range of the mark, as a fraction of the price
ENDS = {"active": "#56B4E9", "lost": "#009E73", "swept": "#D55E00", "expired": "#999999", "merged": "#7B5FD0"}


def draw(tracks: pl.DataFrame, path: pl.DataFrame, coin: str) -> Figure:
    """Draw tracks of a span, at least one of them `near`.

    tracks: each track's last row in mart.cluster_history. path: hour_utc, mark_price.
    """
    boxes = _boxes(tracks, path)
    last = tracks.sort("hour_utc").row(-1, named=True)
    return Figure(
        title=f"{coin} cluster tracks by status, modelled, to {hour_text(last['hour_utc'])}",
        subtitle=(
            f"{last['source'].capitalize()} data; the {len(boxes)} largest tracks near the mark, of {len(tracks)}. "
            "Box: birth to end and the last price range; stronger colour: larger; line: the mark. "
            f"Parameters {last['parameters_version']}",
        ),
        panels=(_panel(boxes, path),),
        series=ENDS,
    )


def near(tracks: pl.DataFrame, path: pl.DataFrame) -> pl.DataFrame:
    """Return the last row of each track near the range of the mark."""
    if tracks.is_empty():
        return tracks
    low, high = path.select(pl.col("mark_price").min(), pl.col("mark_price").max().alias("high")).row(0)
    touched = (pl.col("price_high") > low * (1 - _AROUND)) & (pl.col("price_low") < high * (1 + _AROUND))
    return tracks.filter(touched).sort("hour_utc").unique(["side", "track_id"], keep="last", maintain_order=True)


def _boxes(tracks: pl.DataFrame, path: pl.DataFrame) -> pl.DataFrame:
    """Return the largest tracks as boxes, clipped to the start of the chart."""
    return (
        near(tracks, path)
        .sort("largest_usd", descending=True, maintain_order=True)
        .head(_MOST)
        .with_columns(
            t=pl.max_horizontal("born_utc", pl.lit(path["hour_utc"].min())).dt.epoch("ms"),
            end=pl.col("hour_utc").dt.epoch("ms"),
            strength=pl.col("largest_usd") / pl.col("largest_usd").max(),
        )
    )


def _panel(boxes: pl.DataFrame, path: pl.DataFrame) -> alt.LayerChart:
    mark = float(path["mark_price"][-1])
    scale = alt.Scale(domain=list(ENDS), range=list(ENDS.values()))
    y = alt.Y("price_low:Q", scale=alt.Scale(zero=False), axis=style.prices(mark, tickCount=8, grid=True))
    tooltips = _tooltips(boxes)
    box = (
        alt.Chart(tooltips)
        .transform_filter(style.is_shown("track_status"))
        .mark_rect(stroke=None)
        .encode(
            x=style.moments(),
            x2="end:T",
            y=y,
            y2="price_high:Q",
            color=alt.Color("track_status:N", scale=scale, title="status"),
            opacity=alt.Opacity("strength:Q", scale=alt.Scale(domain=[0, 1], range=[0.25, 0.95]), legend=None),
            tooltip=[alt.Tooltip(style.literal(name), title=name) for name in tooltips.columns[-6:]],
        )
    )
    hours = path.select(pl.col("hour_utc").dt.epoch("ms").alias("t"), "mark_price")
    line = alt.Chart(hours).encode(x=style.moments(), y=alt.Y("mark_price:Q"))
    edge = line.mark_line(style=["halo"], strokeWidth=4, opacity=0.8)
    ink = line.mark_line(style=["ink"], strokeWidth=1.6)
    return style.panel(box, edge, ink, height=_HEIGHT, series=ENDS)


def _tooltips(boxes: pl.DataFrame) -> pl.DataFrame:
    drawn = boxes.select("t", "end", "price_low", "price_high", "track_status", "strength")
    texts = [
        {
            "cluster": f"{row['side']}s, {row['track_status']}",
            "price": f"{price_text(row['price_low'])} - {price_text(row['price_high'])}",
            "born": hour_text(row["born_utc"]),
            "last hour": hour_text(row["hour_utc"]),
            "largest, modelled USD": amount(row["largest_usd"]),
            "predicted / realised": " / ".join(
                "unknown" if row[name] is None else amount(row[name]) for name in ("predicted_usd", "realised_usd")
            ),
        }
        for row in boxes.iter_rows(named=True)
    ]
    return drawn.hstack(pl.DataFrame(texts))
