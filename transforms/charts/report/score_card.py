"""The score card: how well our estimator and its baselines predicted realised liquidations."""

from __future__ import annotations

import altair as alt
import polars as pl

from transforms.charts import style
from transforms.charts.amounts import amount
from transforms.charts.figure import Figure

_HEIGHT = 210
ESTIMATORS = {
    "fitted": "ours, fitted", "prior": "ours, prior", "range": "price range", "open_interest": "open interest",
    "distance": "distance only", "ladder": "leverage ladder",
}  # fmt: skip


def judged(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of mart.map_scores that have a score."""
    return rows.filter(pl.col("rank_correlation").is_not_null() | pl.col("poisson_deviance").is_not_null())


def draw(rows: pl.DataFrame, coin: str) -> Figure:
    """Draw the `judged` rows of one day."""
    scored = judged(rows).sort("exchange", "side", "estimator")
    first = scored.row(0, named=True)
    feeds = dict(scored.select("exchange", "completeness").unique().iter_rows())
    names = {name: f"{name} ({feeds[name]} feed)" for name in sorted(feeds)}
    series = {names[n]: colour for n, colour in style.colours(list(names), style.EXCHANGE_COLOURS).items()}
    lowest = float(scored["rank_correlation"].min() or 0)  # type: ignore[arg-type]
    drawn = _tooltips(scored.with_columns(pl.col("exchange").replace_strict(names)))
    return Figure(
        title=f"{coin} score card, modelled against realised, before {first['date']}",
        subtitle=(
            f"{first['source'].capitalize()} data of {first['scored_days']} days. Upper panel: rank correlation of "
            "hourly predicted and realised USD; 1: the same order, 0: chance. Lower panel: Poisson deviance after "
            "scaling; 0: perfect. Circles: longs; triangles: shorts",
        ),
        panels=(
            _panel(
                drawn,
                series,
                "rank correlation, higher is better",
                alt.Scale(domain=[min(0.0, lowest), 1.0], nice=False),
            ),
            _panel(drawn, series, "Poisson deviance, lower is better", alt.Scale(zero=True)),
        ),
        series=series,
    )


def _panel(drawn: pl.DataFrame, series: dict[str, str], metric: str, scale: alt.Scale) -> alt.LayerChart:
    names = ["exchange", "side", "estimator", "hours", "predicted, USD", "realised, USD"]
    y = alt.Y("estimator:N", sort=list(ESTIMATORS.values()), axis=alt.Axis(title=None, grid=True, minExtent=110))
    chart: alt.Chart = (
        alt.Chart(drawn.filter(pl.col(metric).is_not_null()))
        .transform_filter(style.is_shown("exchange"))
        .mark_point(filled=True, size=90, opacity=0.8)
        .encode(
            x=alt.X(style.literal(metric).replace(":N", ":Q"), title=metric, scale=scale, axis=alt.Axis(tickCount=6)),
            y=y,
            color=alt.Color("exchange:N", scale=alt.Scale(domain=list(series), range=list(series.values()))),
            shape=alt.Shape("side:N", scale=alt.Scale(domain=["longs", "shorts"], range=["circle", "triangle-up"])),
            tooltip=[*(alt.Tooltip(f"{n}:N", title=n) for n in names), alt.Tooltip(f"{metric}:Q", format=".2f")],
        )
    )
    return style.panel(chart, height=_HEIGHT, series=series)


def _tooltips(scored: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "exchange": row["exchange"],
                "side": f"{row['side']}s",
                "estimator": ESTIMATORS.get(row["estimator"], row["estimator"]),
                "hours": row["hours"],
                "predicted, USD": "" if row["predicted_usd"] is None else amount(row["predicted_usd"]),
                "realised, USD": amount(row["realised_usd"]),
                "rank correlation, higher is better": row["rank_correlation"],
                "Poisson deviance, lower is better": row["poisson_deviance"],
            }
            for row in scored.iter_rows(named=True)
        ],
        infer_schema_length=None,
    )
