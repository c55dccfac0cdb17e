"""One coin at one hour: the rows of mart tables that charts and sentences are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

WINDOWS = {"1d": "notional_1d_usd", "7d": "notional_7d_usd", "30d": "notional_30d_usd", "all": "notional_usd"}
"""Window -> the column of mart.liquidation_levels with the notional opened in it."""


@dataclass(frozen=True)
class Snapshot:
    """The rows of one hour.

    levels: exchange, side, bucket with its edges, notional by window, fit_usd and gap_usd (notional times one standard
    deviation of the errors of fit and gaps; a baseline has none). exchange_rows: exchange, mark_price, is_stale,
    fresh_at_utc (the last hour not carried). missing: exchange, reason. balance: as in mart.market_balance. clusters:
    as in mart.liquidation_clusters, with lead_exchange and lead_share, its share of the cluster. ranges: rows of
    mart.liquidation_curve for all exchanges together.
    """

    coin: str
    hour: datetime
    source: str
    parameters_version: str
    levels: pl.DataFrame
    exchange_rows: pl.DataFrame
    balance: pl.DataFrame
    clusters: pl.DataFrame
    missing: pl.DataFrame
    ranges: pl.DataFrame = field(default_factory=pl.DataFrame)

    @property
    def exchanges(self) -> list[str]:
        """The exchanges in the map, in their fixed order."""
        return [str(name) for name in self.exchange_rows["exchange"]]

    @property
    def reference(self) -> str:
        """The exchange with the reference mark: the first that is not carried."""
        fresh = self.exchange_rows.filter(~pl.col("is_stale"))["exchange"]
        return str((fresh if len(fresh) else self.exchange_rows["exchange"])[0])

    @property
    def mark(self) -> float:
        """The reference exchange's mark price."""
        return float(self.exchange_rows.filter(pl.col("exchange") == self.reference)["mark_price"].item())

    def remarks(self) -> list[str]:
        """Return caveats about exchanges: carried ones with the time since, missing ones with the reason."""
        carried = [
            f"{name} carried since {f'{fresh:%m-%d %H:%M} UTC' if fresh else 'before the first hour'}"
            for name, fresh in self.exchange_rows.filter("is_stale").select("exchange", "fresh_at_utc").iter_rows()
        ]
        absent = [f"{name} missing: {reason}" for name, reason in self.missing.select("exchange", "reason").iter_rows()]
        return carried + absent

    def only(self, exchange: str) -> Snapshot:
        """Return the snapshot of one exchange, without balance and clusters, which add up exchanges."""
        mine = pl.col("exchange") == exchange
        return Snapshot(
            self.coin, self.hour, self.source, self.parameters_version,
            self.levels.filter(mine), self.exchange_rows.filter(mine), self.balance.clear(), self.clusters.clear(),
            self.missing.clear(),
        )  # fmt: skip
