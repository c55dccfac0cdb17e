"""The map of one hour, made again from the tables by any estimator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from transforms.estimation.inputs import SIDE_OF, hour_inputs
from transforms.model.estimators import ESTIMATORS
from transforms.model.price_grid import edge
from transforms.tables.model_parameters import Applying

LOOKS_BACK = timedelta(days=21)
"""What is carried before the hour: who stood earlier is a guess of each estimator."""

_NOTIONALS = ("notional_usd", "notional_1d_usd", "notional_7d_usd", "notional_30d_usd")
_KEYS = ("exchange", "side", "price_bucket")


def levels(
    price_bars: pl.DataFrame,
    open_interest: pl.DataFrame,
    margin_tiers: pl.DataFrame,
    instruments: pl.DataFrame,
    model_parameters: pl.DataFrame,
    *,
    estimator: str,
    hours: Sequence[datetime],
) -> pl.DataFrame:
    """exchange, side, price_bucket, price_low, price_high and the notional (USD) by window, after the last of `hours`.

    The frames hold one coin. `hours` are consecutive; the first begins with nobody. KeyError for an unknown estimator.
    """
    make, made = ESTIMATORS[estimator], []
    for exchange, instrument in price_bars.select("exchange", "instrument").unique().sort("exchange").rows():
        own = (pl.col("exchange") == exchange) & (pl.col("instrument") == instrument)
        frames = [f.filter(own) for f in (price_bars, open_interest, margin_tiers, instruments)]
        inputs = hour_inputs(*frames, hours=hours)
        if inputs.first_price is None:
            continue
        applying = Applying(model_parameters.filter((pl.col("basis") == "prior") | (estimator == "fitted")), exchange)
        for s, side in SIDE_OF.items():
            carried = make(s, inputs.first_price)
            for hour in inputs.hours:
                carried.advance(hour.bars[s], hour.contract, hour.hour_h)
            buckets, usd = carried.standing(applying(s, inputs.hours[-1].hour_h))
            by_window = dict(zip(_NOTIONALS, usd.sum(axis=1), strict=True))
            made.append(pl.DataFrame({"price_bucket": buckets.astype(np.int32), **by_window}).select(
                pl.lit(exchange).alias("exchange"), pl.lit(side).alias("side"), pl.all()
            ))  # fmt: skip
    if not made:
        return pl.DataFrame()
    summed = pl.concat(made).group_by(_KEYS).agg(pl.sum(*_NOTIONALS)).filter(pl.col("notional_usd") > 0).sort(_KEYS)
    at = summed["price_bucket"].to_numpy().astype(np.int64)
    return summed.with_columns(pl.Series("price_low", edge(at)), pl.Series("price_high", edge(at + 1)))
