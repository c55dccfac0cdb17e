"""The same hour under three assumptions: cumulative notional from the mark outward, longs to the left."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from transforms.charts.amounts import hour_text
from transforms.charts.sensitivity_rows import ASSUMPTIONS

_SIZE = {"width": 1040, "height": 440}
_WITHIN_BP = 1000
_NEAREST_BP = 50  # nearer, curves are a few positions and logarithms make much of them
# Okabe and Ito's palette, which the colour-blind can tell apart, as on the map.
_COLOURS = {"public": "#0072B2", "ladder": "#D55E00", "fitted": "#222222"}
_MEANS = {
    "public": "as measured on the one public venue",
    "ladder": "quarters at 10, 25, 50, 100x",
    "fitted": "as the map is read",
}
_DOLLARS = "replace(replace(format(datum.value, '~s'), 'G', 'B'), 'k', 'K')"
_TEXT: dict[str, Any] = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
_FONT = "Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"


def draw(rows: pl.DataFrame) -> alt.LayerChart:
    """The figure, of sensitivity_rows.table: all venues together."""
    move = pl.when(pl.col("side") == "long").then(-pl.col("distance_bp")).otherwise(pl.col("distance_bp"))
    shown = rows.filter(
        (pl.col("exchange") == "all")
        & pl.col("distance_bp").is_between(_NEAREST_BP, _WITHIN_BP)
        & (pl.col("cumulative_usd") > 0)
    ).select(
        (move / 100).alias("percent"),
        "side",
        "cumulative_usd",
        pl.col("assumption").replace_strict({n: f"{n}: {_MEANS[n]}" for n in ASSUMPTIONS}).alias("assumption"),
    )
    path = alt.Chart(shown).encode(
        x=alt.X("percent:Q", scale=alt.Scale(domain=[-10, 10], nice=False), axis=_axis()),
        y=alt.Y("cumulative_usd:Q", scale=alt.Scale(type="log", nice=False), axis=_dollars()),
        color=alt.Color("assumption:N", scale=_scale(), title="read with"),
        detail="side:N",
    )
    mark = alt.Chart(pl.DataFrame({"percent": [0.0]})).mark_rule(strokeDash=[6, 4], color="#222").encode(x="percent:Q")
    lines = [path.mark_line(strokeWidth=2.6), path.mark_point(size=36, filled=True, opacity=1), mark]
    figure: alt.LayerChart = (
        alt.LayerChart(layer=lines)
        .properties(title=_title(rows), description=_title(rows)["text"], **_SIZE)
        .configure(background="white", font=_FONT)
        .configure_view(stroke="#d0d4da")
        .configure_axis(**_TEXT, gridColor="#eceff3", labelColor="#333")
        .configure_legend(**_TEXT, orient="top", titleOrient="left", labelLimit=400, columnPadding=14, padding=10)
        .configure_title(fontSize=18, subtitleFontSize=12.5, subtitleColor="#555", anchor="start", offset=12)
    )
    return figure


def _axis() -> alt.Axis:
    text = "datum.value ? format(datum.value, '+') + ' %' : 'mark'"
    return alt.Axis(
        title="move of the mark; longs below it, shorts above",
        labelExpr=text,
        values=list(range(-10, 11, 2)),
        grid=False,
    )


def _dollars() -> alt.Axis:
    ticks = [step * 10.0**power for power in range(13) for step in (1, 3)]
    return alt.Axis(title="cumulative from the mark (USD, logarithmic)", labelExpr=_DOLLARS, values=ticks)


def _scale() -> alt.Scale:
    return alt.Scale(domain=[f"{n}: {_MEANS[n]}" for n in ASSUMPTIONS], range=[_COLOURS[n] for n in ASSUMPTIONS])


def _title(rows: pl.DataFrame) -> dict[str, Any]:
    about = rows.row(0, named=True)
    venues = rows.filter(pl.col("exchange") != "all")["exchange"].unique().sort().to_list()
    source = str(about["source"]).capitalize()
    return {
        "text": f"{about['coin']} liquidation map under three assumptions, {hour_text(about['hour_utc'])}",
        "subtitle": [
            f"Modelled, not a record. {source} data of {', '.join(venues)}; what was traded is the same, who holds it "
            f"is not; fitted: parameters {about['parameters_version']}"
        ],
    }
