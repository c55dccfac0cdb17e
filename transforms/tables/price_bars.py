"""core.price_bars: closed bars of the mark price, with the volume traded in them."""

from __future__ import annotations

import polars as pl

from expectations.tables import table
from transforms.exchanges.replay import rows
from transforms.hourly.hours import HOUR_MS
from transforms.reference.latest import listed

TABLE = table("price_bars")
_BAR = ["exchange", "instrument", "open_ms", "interval_minutes"]
_CONTRACT = ["exchange", "instrument"]
_AMOUNTS = ["volume_base", "taker_buy_base"]
_PRICES = ["open", "high", "low", "close"]


def build(payloads: pl.DataFrame, instruments: pl.DataFrame) -> pl.DataFrame:
    """Join mark bars to trade bars; without a mark bar, the trade bar's prices are used (`price_kind` is `trade`).

    Prices and volumes are per coin, also where the exchange's unit is 1000 coins. Bars do not overlap: within an hour
    all have the length used by the highest-priority source, and shorter trade bars are summed to the mark bar's length.
    """
    mark, trade, taker = (_one_length_per_hour(rows(payloads, s)) for s in ("mark_bars", "trade_bars", "taker_volume"))
    trade = _sum_to_mark_bars(trade, mark)
    buys = taker.select(
        *_BAR, (pl.col("taker_buy_base") / (pl.col("taker_buy_base") + pl.col("taker_sell_base"))).alias("buy_share")
    )
    traded = trade.rename({c: f"trade_{c}" for c in _PRICES}).join(buys, on=_BAR, how="left")
    both = mark.join(traded.drop("source"), on=_BAR, how="left").with_columns(pl.lit("mark").alias("price_kind"))
    alone = traded.join(mark, on=["exchange", "instrument", "open_ms"], how="anti")
    alone = alone.with_columns(pl.lit("trade").alias("price_kind"), *(pl.col(f"trade_{c}").alias(c) for c in _PRICES))
    bars = pl.concat([both, alone], how="diagonal").join(listed(instruments), on=["exchange", "instrument"])
    unit = pl.col("unit_multiplier")
    # Taker volume and bars come from different endpoints and need not add up: use the share of buys, not the amounts.
    split = pl.col("taker_buy_base").fill_null(pl.col("volume_base") * pl.col("buy_share").fill_nan(None))
    return TABLE.conform(
        bars.with_columns(
            pl.from_epoch("open_ms", "ms").cast(TABLE.schema["open_utc"]).alias("open_utc"),
            *(pl.col(c) / unit for c in _PRICES),
            pl.col("volume_base") * unit,
            (split * unit).alias("taker_buy_base"),
        )
        .with_columns(pl.col("open_utc").dt.date().alias("date"))
        .select(list(TABLE.schema))
    )


def _one_length_per_hour(bars: pl.DataFrame) -> pl.DataFrame:
    """Keep the last source's bar length in each hour, and the last of equal bars."""
    hour = [*_CONTRACT, pl.col("open_ms") // HOUR_MS]
    of_one_length = bars.filter(pl.col("interval_minutes") == pl.col("interval_minutes").last().over(hour))
    bare = of_one_length.drop("endpoint", "received_at_utc")
    return bare.unique([*_CONTRACT, "open_ms"], keep="last", maintain_order=True)


def _sum_to_mark_bars(trade: pl.DataFrame, mark: pl.DataFrame) -> pl.DataFrame:
    """Sum trade bars to the length of the mark bars that contain them; drop sums that lack a part."""
    longer = mark.select(*_CONTRACT, pl.col("open_ms").alias("opens"), pl.col("interval_minutes").alias("minutes"))
    joined = trade.sort("open_ms").join_asof(
        longer.sort("opens"), left_on="open_ms", right_on="opens", by=_CONTRACT, check_sortedness=False
    )
    ends = pl.col("open_ms") + pl.col("interval_minutes") * 60_000
    lies_in = (pl.col("minutes") > pl.col("interval_minutes")) & (ends <= pl.col("opens") + pl.col("minutes") * 60_000)
    lies_in = lies_in.fill_null(False)
    sums = joined.filter(lies_in).group_by(*_CONTRACT, "opens", "minutes", maintain_order=True)
    first, last = (pl.col("open").first(), pl.col("high").max(), pl.col("low").min()), pl.col("close", "source").last()
    amounts = [pl.when(pl.col(c).null_count() == 0).then(pl.col(c).sum()).alias(c) for c in _AMOUNTS]
    summed = sums.agg(*first, last, *amounts, pl.col("interval_minutes").sum().alias("covered"))
    complete = summed.filter(pl.col("covered") == pl.col("minutes"))
    complete = complete.rename({"opens": "open_ms", "minutes": "interval_minutes"})
    return pl.concat([joined.filter(~lies_in).select(trade.columns), complete.select(trade.columns)])
