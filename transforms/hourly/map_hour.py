"""Reads the map an hour at a time: the mark of the hour, and its dollars by price bucket."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import fsum

import numpy as np
import polars as pl
from numpy.typing import NDArray

from transforms.model.price_grid import Floats, Ints

Row = dict[str, object]

_HOUR = np.timedelta64(1, "h")


def hourly_attributes(position_ledger: pl.DataFrame) -> dict[datetime, Row]:
    """Mean mark, whether an exchange is carried, parameters' version and source, by hour in ascending order.

    An exchange's mark is that of its first contract; version and source are those of the first exchange.
    """
    firsts = [pl.col(c).first() for c in ("mark_price", "parameters_version", "source")]
    books = position_ledger.sort("hour_utc", "exchange", "instrument", maintain_order=True)
    exchanges = books.group_by("hour_utc", "exchange", maintain_order=True).agg(*firsts, pl.col("is_stale").any())
    hourly = exchanges.group_by("hour_utc", maintain_order=True).agg(
        pl.col("mark_price"), *firsts[1:], pl.col("is_stale").any()
    )
    # exact before it is divided: how polars adds up depends on how many threads it has
    means = [fsum(marks) / len(marks) for marks in hourly["mark_price"].to_list()]
    rows = hourly.with_columns(pl.Series("mark_price", means, dtype=pl.Float64)).to_dicts()
    return {row.pop("hour_utc"): row for row in rows}


@dataclass(frozen=True)
class Profile:
    """Notional (USD) of one side of the map: usd [hours, buckets], of which bucket 0 is `first`."""

    hours: NDArray[np.datetime64]
    first: int
    usd: Floats

    @classmethod
    def of(cls, levels: pl.DataFrame) -> Profile:
        """Add up exchanges and leverage classes. Only hours that have rows are in it, in ascending order."""
        if levels.is_empty():
            return cls(np.array([], "datetime64[ms]"), 0, np.zeros((0, 0)))
        times, buckets = levels["hour_utc"].to_numpy(), levels["price_bucket"].to_numpy()
        since, first = times.min(), int(buckets.min())
        hour: Ints = (times - since) // _HOUR
        there = np.flatnonzero(np.bincount(hour))
        shape = (int(there[-1]) + 1, int(buckets.max()) - first + 1)
        return cls(since + there * _HOUR, first, _sums(levels, hour, first, shape)[there])

    def sums(self, levels: pl.DataFrame) -> Floats:
        """Add up some of the rows, such as those of one exchange, on the same hours and buckets."""
        hour = np.searchsorted(self.hours, levels["hour_utc"].to_numpy())
        return _sums(levels, hour, self.first, self.usd.shape)


def _sums(levels: pl.DataFrame, hour: Ints, first: int, shape: tuple[int, ...]) -> Floats:
    # whole dollars: their sums are exact in any order. The cast is for no rows, where bincount returns integers
    cells = hour * shape[1] + (levels["price_bucket"].to_numpy() - first)
    usd = np.bincount(cells, levels["notional_usd"].to_numpy(), shape[0] * shape[1])
    return usd.reshape(shape).astype(np.float64, copy=False)
