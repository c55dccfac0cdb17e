"""The same hour under three assumptions: cumulative notional from the mark outward, longs on the left."""

from __future__ import annotations

import altair as alt
import polars as pl

from transforms.charts import style
from transforms.charts.amounts import hour_text
from transforms.charts.figure import Figure
from transforms.estimation.sensitivity import ASSUMPTIONS

_HEIGHT = 440
_WITHIN_BP = 1000
_NEAREST_BP = 50  # closer to the mark there are few positions, which look large on a logarithmic axis
# Okabe and Ito's palette, and a grey that is visible on white and black.
_COLOURS = {"public": "#0072B2", "ladder": "#D55E00", "fitted": "#808080"}
_MEANS = {
    "public": "as measured on an exchange with public positions",
    "ladder": "a quarter each at 10, 25, 50 and 100x",
    "fitted": "as published in the map",
}


def draw(rows: pl.DataFrame) -> Figure:
    """Draw the rows of transforms.estimation.sensitivity.table, all exchanges together."""
    series = {f"{name}: {_MEANS[name]}": _COLOURS[name] for name in ASSUMPTIONS}
    path = (
        alt.Chart(_shown(rows))
        .transform_filter(style.is_shown("assumption"))
        .encode(
            x=alt.X("percent:Q", scale=alt.Scale(domain=[-10, 10], nice=False), axis=_axis()),
            y=alt.Y("cumulative_usd:Q", scale=alt.Scale(type="log", nice=False), axis=_dollars()),
            color=alt.Color(
                "assumption:N", scale=alt.Scale(domain=list(series), range=list(series.values())), title="assumption"
            ),
            detail="side:N",
        )
    )
    mark = alt.Chart(pl.DataFrame({"percent": [0.0]})).mark_rule(style=["ink"], strokeDash=[6, 4]).encode(x="percent:Q")
    dots = path.mark_point(size=36, filled=True, opacity=1)
    panel = style.panel(path.mark_line(strokeWidth=2.6), dots, mark, height=_HEIGHT, series=series)
    return Figure(_title(rows), _subtitle(rows), (panel,), series)


def _shown(rows: pl.DataFrame) -> pl.DataFrame:
    move = pl.when(pl.col("side") == "long").then(-pl.col("distance_bp")).otherwise(pl.col("distance_bp"))
    return rows.filter(
        (pl.col("exchange") == "all")
        & pl.col("distance_bp").is_between(_NEAREST_BP, _WITHIN_BP)
        & (pl.col("cumulative_usd") > 0)
    ).select(
        (move / 100).alias("percent"),
        "side",
        "cumulative_usd",
        pl.col("assumption").replace_strict({n: f"{n}: {_MEANS[n]}" for n in ASSUMPTIONS}).alias("assumption"),
    )


def _axis() -> alt.Axis:
    text = "datum.value ? format(datum.value, '+') + ' %' : 'mark'"
    return alt.Axis(
        title="move of the mark; longs left, shorts right",
        labelExpr=text,
        values=list(range(-10, 11, 2)),
        grid=False,
    )


def _dollars() -> alt.Axis:
    ticks = [step * 10.0**power for power in range(13) for step in (1, 3)]
    return style.dollars("cumulative from the mark (USD, logarithmic)", values=ticks)


def _title(rows: pl.DataFrame) -> str:
    first = rows.row(0, named=True)
    return f"{first['coin']} liquidation map under three assumptions, modelled, {hour_text(first['hour_utc'])}"


def _subtitle(rows: pl.DataFrame) -> tuple[str, ...]:
    first = rows.row(0, named=True)
    exchanges = rows.filter(pl.col("exchange") != "all")["exchange"].unique().sort().to_list()
    source = str(first["source"]).capitalize()
    return (
        f"Modelled, not a record. {source} data of {', '.join(exchanges)}; the same open positions under different "
        f"leverage assumptions; fitted: parameters {first['parameters_version']}",
    )
