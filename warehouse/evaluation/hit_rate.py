"""The hit rate of a warehouse's clusters, computed from rows of the catalog."""

from __future__ import annotations

from datetime import datetime

import duckdb
import polars as pl

from transforms.evaluation.hit_rate import LEAST_DAYS, days, hit_rate
from transforms.evaluation.touches import FARTHEST_BP, touches
from warehouse.catalog.snapshot_queries import ask, published_coins
from warehouse.errors import UserError
from warehouse.progress import Progress

_EVER = (datetime(1970, 1, 1), datetime(2970, 1, 1))


def touches_of(
    catalog: duckdb.DuckDBPyConnection, coin: str, first: datetime | None, last: datetime | None, progress: Progress
) -> pl.DataFrame:
    """Return the hit rates of `coin`, or of all coins pooled with `all`, from `first` to `last`, with their source.

    Raises UserError for a coin that is not in the warehouse, and for fewer than LEAST_DAYS days.
    """
    known = published_coins(catalog)
    if not known or coin not in ("all", *known):
        raise UserError(
            f"no coin {coin!r} in the warehouse; there are {', '.join(known) or 'none yet; fill it with: liq run'}"
        )
    names = known if coin == "all" else [coin]
    progress.stage("hit rate", len(names) + 1, "steps")
    parts = []
    for name in names:
        parts.append(_levels(catalog, name, first or _EVER[0], last or _EVER[1]))
        progress.step(name)
    levels = pl.concat(parts)
    if (there := days(levels)) < LEAST_DAYS:
        raise UserError(
            f"{there} days of {coin} can be evaluated, too few for an interval: it needs {LEAST_DAYS} days, one day "
            "before them and one day after; load more with: liq backfill"
        )
    source = levels["source"].max()
    made = hit_rate(levels)
    progress.step("intervals")
    return made.with_columns(source=pl.lit(source, dtype=pl.String))


def _levels(catalog: duckdb.DuckDBPyConnection, coin: str, first: datetime, last: datetime) -> pl.DataFrame:
    span = {"coin": coin, "first": first, "last": last, "farthest": FARTHEST_BP / 1e4}
    marks, clusters, levels = (ask(catalog, f"hit_rate/{name}", **span) for name in ("marks", "clusters", "levels"))
    return touches(marks, clusters, levels).with_columns(
        coin=pl.lit(coin), source=pl.lit(marks["source"].max(), dtype=pl.String)
    )
