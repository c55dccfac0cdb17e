"""The score card: how well each estimator predicted what was liquidated, ours beside what it has to beat."""

from __future__ import annotations

import altair as alt
import polars as pl

from transforms.charts import style
from transforms.charts.amounts import amount
from transforms.charts.figure import Figure

_HEIGHT = 210
ESTIMATORS = {
    "fitted": "ours, fitted", "prior": "ours, as stated", "range": "how far it went", "open_interest": "open interest",
    "distance": "distance only", "ladder": "the usual ladder",
}  # fmt: skip


def judged(rows: pl.DataFrame) -> pl.DataFrame:
    """Of mart.map_scores what has a score."""
    return rows.filter(pl.col("rank_correlation").is_not_null() | pl.col("poisson_deviance").is_not_null())


def draw(rows: pl.DataFrame, coin: str) -> Figure:
    """The figure, of `judged` rows of one day."""
    met = judged(rows).sort("exchange", "side", "estimator")
    about = met.row(0, named=True)
    feeds = dict(met.select("exchange", "completeness").unique().iter_rows())
    names = {name: f"{name} ({feeds[name]} feed)" for name in sorted(feeds)}
    series = {names[n]: colour for n, colour in style.colours(list(names), style.EXCHANGE_COLOURS).items()}
    lowest = float(met["rank_correlation"].min() or 0)  # type: ignore[arg-type]
    drawn = _tooltips(met.with_columns(pl.col("exchange").replace_strict(names)))
    return Figure(
        title=f"{coin} score card, modelled against realised, before {about['date']}",
        subtitle=(
            f"{about['source'].capitalize()} data of {about['scored_days']} days. Above: rank correlation of predicted "
            "and realised by hour, 1 is the same order, 0 is chance. Below: Poisson deviance after scaling, 0 is "
            "perfect. Circles longs, triangles shorts",
        ),
        panels=(
            _panel(
                drawn, series, "rank correlation, more is better", alt.Scale(domain=[min(0.0, lowest), 1.0], nice=False)
            ),
            _panel(drawn, series, "Poisson deviance, less is better", alt.Scale(zero=True)),
        ),
        series=series,
    )


def _panel(drawn: pl.DataFrame, series: dict[str, str], what: str, scale: alt.Scale) -> alt.LayerChart:
    names = ["exchange", "side", "estimator", "hours", "predicted, USD", "realised, USD"]
    y = alt.Y("estimator:N", sort=list(ESTIMATORS.values()), axis=alt.Axis(title=None, grid=True, minExtent=110))
    chart: alt.Chart = (
        alt.Chart(drawn.filter(pl.col(what).is_not_null()))
        .transform_filter(style.is_shown("exchange"))
        .mark_point(filled=True, size=90, opacity=0.8)
        .encode(
            x=alt.X(style.literal(what).replace(":N", ":Q"), title=what, scale=scale, axis=alt.Axis(tickCount=6)),
            y=y,
            color=alt.Color("exchange:N", scale=alt.Scale(domain=list(series), range=list(series.values()))),
            shape=alt.Shape("side:N", scale=alt.Scale(domain=["longs", "shorts"], range=["circle", "triangle-up"])),
            tooltip=[*(alt.Tooltip(f"{n}:N", title=n) for n in names), alt.Tooltip(f"{what}:Q", format=".2f")],
        )
    )
    return style.panel(chart, height=_HEIGHT, series=series)


def _tooltips(met: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "exchange": row["exchange"],
                "side": f"{row['side']}s",
                "estimator": ESTIMATORS.get(row["estimator"], row["estimator"]),
                "hours": row["hours"],
                "predicted, USD": "" if row["predicted_usd"] is None else amount(row["predicted_usd"]),
                "realised, USD": amount(row["realised_usd"]),
                "rank correlation, more is better": row["rank_correlation"],
                "Poisson deviance, less is better": row["poisson_deviance"],
            }
            for row in met.iter_rows(named=True)
        ],
        infer_schema_length=None,
    )
