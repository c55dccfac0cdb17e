"""The hit rate of a warehouse's clusters, computed from rows of the catalog."""

from __future__ import annotations

from datetime import datetime

import duckdb
import polars as pl

from transforms.evaluation.hit_rate import LEAST_DAYS, count_days, hit_rate
from transforms.evaluation.touches import FARTHEST_BP, touches
from warehouse.catalog.snapshot_queries import ask, published_coins
from warehouse.errors import UserError
from warehouse.progress import Progress

_ALL_TIME = (datetime(1970, 1, 1), datetime(2970, 1, 1))


def hit_rates(
    catalog: duckdb.DuckDBPyConnection, coin: str, first: datetime | None, last: datetime | None, progress: Progress
) -> pl.DataFrame:
    """Return the hit rates of `coin`, or of all coins pooled with `all`, from `first` to `last`, with their source.

    Raises UserError for a coin that is not in the warehouse, and for fewer than LEAST_DAYS days.
    """
    coins = published_coins(catalog)
    if not coins or coin not in ("all", *coins):
        raise UserError(
            f"no coin {coin!r} in the warehouse; there are {', '.join(coins) or 'none yet; load some with: liq run'}"
        )
    names = coins if coin == "all" else [coin]
    progress.stage("hit rate", len(names) + 1, "steps")
    parts = []
    for name in names:
        parts.append(_levels(catalog, name, first or _ALL_TIME[0], last or _ALL_TIME[1]))
        progress.step(name)
    levels = pl.concat(parts)
    if (found := count_days(levels)) < LEAST_DAYS:
        raise UserError(
            f"{found} days of {coin} can be evaluated, too few for an interval: it needs {LEAST_DAYS} days, one day "
            "before them and one day after; load more with: liq backfill"
        )
    source = levels["source"].max()
    rates = hit_rate(levels)
    progress.step("intervals")
    return rates.with_columns(source=pl.lit(source, dtype=pl.String))


def _levels(catalog: duckdb.DuckDBPyConnection, coin: str, first: datetime, last: datetime) -> pl.DataFrame:
    span = {"coin": coin, "first": first, "last": last, "farthest": FARTHEST_BP / 1e4}
    marks, clusters, levels = (ask(catalog, f"hit_rate/{name}", **span) for name in ("marks", "clusters", "levels"))
    return touches(marks, clusters, levels).with_columns(
        coin=pl.lit(coin), source=pl.lit(marks["source"].max(), dtype=pl.String)
    )
