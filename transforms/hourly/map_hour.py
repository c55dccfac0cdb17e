"""The map by hour: attributes of each hour, such as its mark, and dollars by price bucket."""

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
    """Return mark_price, is_stale, parameters_version and source by hour, in ascending order.

    mark_price is the mean over exchanges, each with the mark of its first contract. is_stale is true if any exchange is
    carried. parameters_version and source are those of the first exchange.
    """
    firsts = [pl.col(c).first() for c in ("mark_price", "parameters_version", "source")]
    ledger = position_ledger.sort("hour_utc", "exchange", "instrument", maintain_order=True)
    exchanges = ledger.group_by("hour_utc", "exchange", maintain_order=True).agg(*firsts, pl.col("is_stale").any())
    hourly = exchanges.group_by("hour_utc", maintain_order=True).agg(
        pl.col("mark_price"), *firsts[1:], pl.col("is_stale").any()
    )
    # fsum, because the order in which polars adds depends on the number of threads.
    means = [fsum(marks) / len(marks) for marks in hourly["mark_price"].to_list()]
    rows = hourly.with_columns(pl.Series("mark_price", means, dtype=pl.Float64)).to_dicts()
    return {row.pop("hour_utc"): row for row in rows}


@dataclass(frozen=True)
class Profile:
    """Notional (USD) of one side of the map: usd [hours, buckets], starting at bucket `first`."""

    hours: NDArray[np.datetime64]
    first: int
    usd: Floats

    @classmethod
    def of(cls, levels: pl.DataFrame) -> Profile:
        """Add up exchanges and leverage classes. Hours are ascending; those without rows are left out."""
        if levels.is_empty():
            return cls(np.array([], "datetime64[ms]"), 0, np.zeros((0, 0)))
        times, buckets = levels["hour_utc"].to_numpy(), levels["price_bucket"].to_numpy()
        since, first = times.min(), int(buckets.min())
        hour: Ints = (times - since) // _HOUR
        present = np.flatnonzero(np.bincount(hour))
        shape = (int(present[-1]) + 1, int(buckets.max()) - first + 1)
        return cls(since + present * _HOUR, first, _sums(levels, hour, first, shape)[present])

    def sums(self, levels: pl.DataFrame) -> Floats:
        """Add up a subset of the rows, such as one exchange's, on the same hours and buckets."""
        hour = np.searchsorted(self.hours, levels["hour_utc"].to_numpy())
        return _sums(levels, hour, self.first, self.usd.shape)


def _sums(levels: pl.DataFrame, hour: Ints, first: int, shape: tuple[int, ...]) -> Floats:
    # Whole dollars, so sums are exact in any order. The cast matters without rows: bincount then returns integers.
    cells = hour * shape[1] + (levels["price_bucket"].to_numpy() - first)
    usd = np.bincount(cells, levels["notional_usd"].to_numpy(), shape[0] * shape[1])
    return usd.reshape(shape).astype(np.float64, copy=False)
