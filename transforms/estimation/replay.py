"""Replay of one hour's map from the tables, by any estimator."""

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
"""How much history is replayed before the hour; positions opened earlier are each estimator's guess."""

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
    """Return the map after the last of `hours`: exchange, side, price bucket and its edges, notional (USD) by window.

    The frames hold one coin. `hours` are consecutive; there are no positions before the first. Raises KeyError for an
    unknown estimator.
    """
    make, parts = ESTIMATORS[estimator], []
    for exchange, instrument in price_bars.select("exchange", "instrument").unique().sort("exchange").rows():
        own = (pl.col("exchange") == exchange) & (pl.col("instrument") == instrument)
        frames = [f.filter(own) for f in (price_bars, open_interest, margin_tiers, instruments)]
        inputs = hour_inputs(*frames, hours=hours)
        if inputs.first_price is None:
            continue
        applying = Applying(model_parameters.filter((pl.col("basis") == "prior") | (estimator == "fitted")), exchange)
        for s, side in SIDE_OF.items():
            replayed = make(s, inputs.first_price)
            for hour in inputs.hours:
                replayed.advance(hour.bars[s], hour.contract, hour.hour_h)
            buckets, usd = replayed.standing(applying(s, inputs.hours[-1].hour_h))
            by_window = dict(zip(_NOTIONALS, usd.sum(axis=1), strict=True))
            parts.append(pl.DataFrame({"price_bucket": buckets.astype(np.int32), **by_window}).select(
                pl.lit(exchange).alias("exchange"), pl.lit(side).alias("side"), pl.all()
            ))  # fmt: skip
    if not parts:
        return pl.DataFrame()
    summed = pl.concat(parts).group_by(_KEYS).agg(pl.sum(*_NOTIONALS)).filter(pl.col("notional_usd") > 0).sort(_KEYS)
    at = summed["price_bucket"].to_numpy().astype(np.int64)
    return summed.with_columns(pl.Series("price_low", edge(at)), pl.Series("price_high", edge(at + 1)))
