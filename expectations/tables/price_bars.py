"""Contract of core.price_bars."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

TABLE = Table(
    name="price_bars",
    layer="core",
    kind="reported",
    doc="Closed bars: OHLC of the mark price, traded volume and the part of it bought by takers. `price_kind` is "
    "`trade` if the exchange published no mark for the bar and its trade prices replace it.",
    grain=("exchange", "instrument", "open_utc"),
    columns=pick(
        "exchange",
        "instrument",
        "coin",
        "date",
        "open_utc",
        "interval_minutes",
        "open",
        "high",
        "low",
        "close",
        "price_kind",
        "volume_base",
        "taker_buy_base",
        "source",
    ),
    inputs=(Input("payloads", days=1, required=True), Input("instruments")),
    nullable=frozenset({"volume_base", "taker_buy_base"}),
    time_column="open_utc",
    fresh_within_hours=2,
    checks=(
        Check("prices_are_positive", "Prices must be above zero; zero stands for a missing price.", pl.col("low") > 0),
        Check(
            "high_and_low_bound_the_bar",
            "Open and close must lie between low and high; otherwise the bar sweeps levels that the mark never "
            "reached.",
            (pl.col("low") <= pl.min_horizontal("open", "close"))
            & (pl.col("high") >= pl.max_horizontal("open", "close")),
        ),
        Check(
            "taker_buys_within_volume",
            "Taker buys cannot exceed the volume; if they do, contracts, coins or dollars were mixed up.",
            (pl.col("taker_buy_base") <= pl.col("volume_base") * (1 + 1e-6)).fill_null(True),
        ),
    ),
)
