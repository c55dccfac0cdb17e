"""The liquidation map: bars by exchange over price, cumulative longs and shorts on a second axis, a dashed line at the mark."""

from __future__ import annotations

import math
from typing import Any

import altair as alt
import polars as pl

from transforms.charts.amounts import amount, decimals, hour_text, percent, price_text
from transforms.charts.snapshot import WINDOWS, Snapshot

WITHIN = 0.10
"""Share of the mark that is drawn on either side."""
_BUCKETS_A_BAR = 2
_STEP = 1.001
_SIZE = {"width": 1040, "height": 460}
# Okabe and Ito's palette, which the colour-blind can tell apart: bars take three, lines two others.
_VENUE_COLOURS = {"binance": "#E69F00", "bybit": "#56B4E9", "okx": "#009E73"}
_SPARE_COLOURS = ("#CC79A7", "#F0E442", "#999999")
_SIDE_COLOURS = {"longs": "#D55E00", "shorts": "#0072B2"}
_OPENED = {"1d": "opened in the last day", "7d": "opened in the last 7 days", "30d": "opened in the last 30 days"}
_DOLLARS = "replace(replace(format(datum.value, '~s'), 'G', 'B'), 'k', 'K')"
_FONT = "Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"


def bars(market: Snapshot, window: str = "all") -> pl.DataFrame:
    """Notional by bar of 20 bp, exchange and side, within reach of the mark; the bars' edges lie on the fixed grid."""
    return (
        _near(market, window)
        .group_by(pl.col("price_bucket") // _BUCKETS_A_BAR * _BUCKETS_A_BAR, "exchange", "side")
        .agg(pl.col("usd").sum())
        .with_columns(price_low=_edge(pl.col("price_bucket")), price_high=_edge(pl.col("price_bucket") + _BUCKETS_A_BAR))
        .sort("price_low", "exchange", "side")
    )


def curves(market: Snapshot, window: str = "all") -> pl.DataFrame:
    """Cumulative notional from the mark outward, by exchange and side, at the outer edge of every grid bucket."""
    near = _near(market, window)
    lines = [_curve(near, side, exchange, market.mark) for side in ("long", "short") for exchange in market.exchanges]
    return pl.concat(lines)


def table(market: Snapshot, window: str = "all") -> pl.DataFrame:
    """What is drawn, as rows that stand by themselves: for CSV."""
    return bars(market, window).select(
        pl.lit(market.coin).alias("coin"),
        pl.lit(market.hour).alias("hour_utc"),
        "exchange",
        "side",
        "price_low",
        "price_high",
        pl.col("usd").alias(WINDOWS[window]),
        pl.lit(market.mark).alias("mark_price"),
        pl.lit("modelled").alias("kind"),
        pl.lit(market.parameters_version).alias("parameters_version"),
        pl.lit(market.source).alias("source"),
    )


def draw(market: Snapshot, window: str = "all", *, on_page: bool = False) -> alt.LayerChart:
    """The figure. `on_page`: a click on an exchange in the legend takes it out, or puts it back, in bars and curves alike."""
    shown = alt.selection_point(
        name="shown", fields=["exchange"], bind="legend", toggle="true", clear=False, empty=False,
        value=[{"exchange": name} for name in market.exchanges],
    )  # fmt: skip
    drawn = bars(market, window)
    price = alt.Scale(domain=[_STEP**edge for edge in _reach(market)], nice=False, zero=False)
    legend = "exchange (click to hide or show)" if on_page else "exchange"
    volume = _bars(market, drawn, price, legend).add_params(shown).transform_filter(shown)
    lines = _curves(curves(market, window), price).transform_filter(shown)
    layers = alt.layer(volume, lines, _mark(market, price), _columns(market, drawn, price))
    return (
        layers.resolve_scale(y="independent", color="independent")
        .properties(title=_title(market, window), description=_title(market, window)["text"], **_SIZE)
        .configure(background="white", font=_FONT)
        .configure_view(stroke="#d0d4da")
        .configure_axis(labelFontSize=12, titleFontSize=12, titleFontWeight="normal", gridColor="#eceff3", labelColor="#333")
        .configure_legend(
            orient="top", labelFontSize=12, titleFontSize=12, titleFontWeight="normal", symbolSize=120,
            titleOrient="left", titleLimit=400, columnPadding=14, padding=10, offset=2,
        )
        .configure_title(fontSize=18, subtitleFontSize=12.5, subtitleColor="#555", anchor="start", offset=12)
    )  # fmt: skip


def _edge(bucket: pl.Expr) -> pl.Expr:
    return (bucket * pl.lit(_STEP).log()).exp()


def _reach(market: Snapshot) -> tuple[int, int]:
    """First bucket, and the one after the last, of the bars that are drawn: whole bars only."""
    edges = (market.mark * (1 - WITHIN), market.mark * (1 + WITHIN))
    first, last = (math.floor(math.log(edge) / math.log(_STEP)) // _BUCKETS_A_BAR * _BUCKETS_A_BAR for edge in edges)
    return first, last + _BUCKETS_A_BAR


def _near(market: Snapshot, window: str) -> pl.DataFrame:
    first, end = _reach(market)
    return market.levels.filter(pl.col("price_bucket").is_between(first, end, closed="left")).select(
        "exchange", "side", "price_bucket", "price_low", "price_high", pl.col(WINDOWS[window]).alias("usd")
    )


def _curve(near: pl.DataFrame, side: str, exchange: str, mark: float) -> pl.DataFrame:
    outer = "price_low" if side == "long" else "price_high"
    mine = near.filter(pl.col("side") == side)
    grid = mine.select("price_bucket", pl.col(outer).alias("price")).unique("price_bucket")
    own = mine.filter(pl.col("exchange") == exchange).group_by("price_bucket").agg(pl.col("usd").sum())
    line = (
        grid.join(own, on="price_bucket", how="left")
        .sort("price_bucket", descending=side == "long")
        .select("price", pl.col("usd").fill_null(0.0).cum_sum().alias("cumulative_usd"))
    )
    start = pl.DataFrame({"price": [mark], "cumulative_usd": [0.0]}, schema=line.schema)
    return pl.concat([start, line]).select(
        pl.lit(exchange).alias("exchange"), pl.lit(f"{side}s").alias("side"), "price", "cumulative_usd"
    )


def _colours(exchanges: list[str]) -> alt.Scale:
    spare = iter(_SPARE_COLOURS * len(exchanges))
    return alt.Scale(domain=exchanges, range=[_VENUE_COLOURS.get(name) or next(spare) for name in exchanges])


def _price_axis(market: Snapshot) -> alt.Axis:
    return alt.Axis(title="price (USD)", format=f",.{decimals(market.mark)}f", tickCount=12, grid=False)


def _bars(market: Snapshot, drawn: pl.DataFrame, price: alt.Scale, legend: str) -> alt.Chart:
    stacked = drawn.group_by("exchange", "price_low", "price_high", maintain_order=True).agg(pl.col("usd").sum())
    axis = alt.Axis(title="modelled notional per 0.2 % of price (USD)", labelExpr=_DOLLARS, tickCount=6)
    return (
        alt.Chart(stacked)
        .mark_bar(stroke="white", strokeWidth=0.4, binSpacing=0)
        .encode(
            x=alt.X("price_low:Q", bin="binned", scale=price, axis=_price_axis(market)),
            x2="price_high:Q",
            y=alt.Y("usd:Q", stack="zero", axis=axis),
            color=alt.Color("exchange:N", scale=_colours(market.exchanges), title=legend),
            order=alt.Order("exchange:O"),
        )
    )


def _curves(lines: pl.DataFrame, price: alt.Scale) -> alt.LayerChart:
    axis = alt.Axis(title="cumulative from the mark (USD)", labelExpr=_DOLLARS, orient="right", grid=False, tickCount=6)
    colours = alt.Scale(domain=list(_SIDE_COLOURS), range=list(_SIDE_COLOURS.values()))
    path = alt.Chart(lines).encode(
        x=alt.X("price:Q", scale=price),
        y=alt.Y("sum(cumulative_usd):Q", axis=axis, scale=alt.Scale(domainMin=0)),
        detail="side:N",
    )
    colour = alt.Color("side:N", scale=colours, title="cumulative", legend=alt.Legend(symbolType="stroke"))
    # a white edge, so that the line is seen on bars of any colour
    return alt.layer(path.mark_line(strokeWidth=5, color="white", opacity=0.85), path.mark_line(strokeWidth=2.6).encode(colour))


def _mark(market: Snapshot, price: alt.Scale) -> alt.LayerChart:
    label = f"mark {price_text(market.mark)}"
    line = alt.Chart(pl.DataFrame({"price": [market.mark], "label": [label]})).encode(x=alt.X("price:Q", scale=price))
    text = line.mark_text(align="left", dx=6, fontSize=13, fontWeight="bold", color="#222").encode(y=alt.value(12), text="label:N")
    return alt.layer(line.mark_rule(strokeDash=[6, 4], strokeWidth=1.6, color="#222"), text)


def _columns(market: Snapshot, drawn: pl.DataFrame, price: alt.Scale) -> alt.Chart:
    """An invisible column over each bar, as high as the figure, so that the tooltip needs no aim and tells all at once."""
    hover = alt.selection_point(name="hover", on="pointerover", clear="pointerout", empty=False)
    told = _told(market, drawn)
    return (
        alt.Chart(told)
        .mark_rect(color="#222")
        .encode(
            x=alt.X("price_low:Q", scale=price),
            x2="price_high:Q",
            y=alt.value(0),
            y2=alt.value(_SIZE["height"]),
            opacity=alt.condition(hover, alt.value(0.08), alt.value(0)),
            tooltip=[alt.Tooltip(f"{name}:N") for name in told.columns[2:]],
        )
        .add_params(hover)
    )


def _told(market: Snapshot, drawn: pl.DataFrame) -> pl.DataFrame:
    """What the tooltip says of each bar, as text; cumulative from the mark to the bar's outer edge."""
    wide = drawn.pivot("exchange", index=["price_low", "price_high"], values="usd", aggregate_function="sum").fill_null(0.0)
    middle = (pl.col("price_low") * pl.col("price_high")).sqrt()
    total = wide.sort("price_low").with_columns(total=pl.sum_horizontal(market.exchanges), away=middle / market.mark - 1)
    outward = pl.when(pl.col("away") > 0).then(pl.col("total").cum_sum()).otherwise(pl.col("total").cum_sum(reverse=True))
    summed = total.with_columns(cumulative=outward.over(pl.col("away") > 0))
    rows = [
        {
            "price_low": row["price_low"],
            "price_high": row["price_high"],
            "price": f"{price_text(row['price_low'])} - {price_text(row['price_high'])}",
            "from the mark": percent(row["away"]),
        }
        | {name: amount(row[name]) for name in (*market.exchanges, "total", "cumulative")}
        for row in summed.iter_rows(named=True)
    ]
    return pl.DataFrame(rows)


def _title(market: Snapshot, window: str) -> dict[str, Any]:
    about = f"Modelled, not a record. {market.source.capitalize()} data of {', '.join(market.exchanges)}"
    subtitle = [f"{about}; positions {_OPENED.get(window, 'of any age')}; parameters {market.parameters_version}"]
    return {
        "text": f"{market.coin} liquidation map, {hour_text(market.hour)}",
        "subtitle": subtitle + (["; ".join(market.remarks())] if market.remarks() else []),
    }
