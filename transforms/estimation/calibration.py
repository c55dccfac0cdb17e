"""Input of a fit, from tables: by hour, calibration exposure, realised liquidations and flows of open interest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from transforms.estimation.inputs import SIDE_OF
from transforms.hourly.hours import hour_of
from transforms.model.assumptions import HALF_LIVES_H, LEVERAGE_X, prior
from transforms.model.fitting.fit import TYPICAL_SIZE_USD, Fitted, Observed, Side, fit
from transforms.model.fitting.survival import Flows, survival
from transforms.model.price_grid import Floats

WINDOW = timedelta(days=45)
"""How far back a fit looks: positioning changes, so older hours say less about the present."""

LEAST_HOURS = 24
"""Contract hours that a fit needs: with fewer, one violent hour would dominate it."""

_CONTRACT_HOUR = ["exchange", "instrument", "hour_utc"]
_ROW = [*_CONTRACT_HOUR, "side"]


@dataclass(frozen=True)
class Exposure:
    """Hours of one side of an exchange with a map and covered liquidations, in order of contract and hour.

    hour [n]: end of the hour; swept [n, classes, holdings]: USD at a weight of one; realised [n]: USD; squares [n]:
    sum of squares of single liquidations, USD^2; sampled [n]: true if the feed is known to miss some.
    """

    hour: np.ndarray
    swept: Floats
    realised: Floats
    squares: Floats
    sampled: np.ndarray

    def within(self, since: datetime, until: datetime) -> Exposure:
        """Return the hours between `since` and `until`, both exclusive."""
        return self._select((self.hour > np.datetime64(since)) & (self.hour < np.datetime64(until)))

    def without_samples(self) -> Exposure:
        """Return the hours with a complete feed."""
        return self._select(~self.sampled)

    def _select(self, at: np.ndarray) -> Exposure:
        return Exposure(self.hour[at], self.swept[at], self.realised[at], self.squares[at], self.sampled[at])


def load_exposure(
    calibration_exposure: pl.DataFrame,
    position_ledger: pl.DataFrame,
    realised_liquidations: pl.DataFrame,
    realised_coverage: pl.DataFrame,
) -> dict[Side, Exposure]:
    """Return the fit's input for one coin, by exchange and side.

    Hours without coverage are left out. So are a stale hour and the hour after it: their swept range is uncertain.
    """
    events = realised_liquidations.with_columns(hour_of(pl.col("time_utc")))
    known = _known_hours(position_ledger, realised_coverage)
    return {
        (exchange, s): _side(rows.sort(_CONTRACT_HOUR), calibration_exposure, events)
        for (exchange,), of_exchange in sorted(known.partition_by("exchange", as_dict=True).items())
        for s, side in SIDE_OF.items()
        if len(rows := of_exchange.filter(side=side))
    }


def _known_hours(position_ledger: pl.DataFrame, realised_coverage: pl.DataFrame) -> pl.DataFrame:
    stale = pl.col("is_stale")
    ledger = position_ledger.sort(_ROW).with_columns(
        (stale | stale.shift(1).over("exchange", "instrument", "side").fill_null(False)).alias("is_uncertain")
    )
    return ledger.filter(~pl.col("is_uncertain")).join(
        realised_coverage.select(*_CONTRACT_HOUR, "completeness"), on=_CONTRACT_HOUR
    )


def load_flows(
    position_ledger: pl.DataFrame,
    realised_liquidations: pl.DataFrame,
    realised_coverage: pl.DataFrame,
    midnight: datetime,
) -> list[Flows]:
    """Return the flows of each exchange in the WINDOW before `midnight`, its contracts together.

    Hours are those of `load_exposure` whose liquidations are all known.
    """
    within = pl.col("hour_utc").is_between(*_window(midnight), closed="none")
    known = _known_hours(position_ledger, realised_coverage).filter(within, side="long")
    hour = hour_of(pl.col("time_utc"))
    liquidated = realised_liquidations.group_by(*_CONTRACT_HOUR[:2], hour.alias("hour_utc")).agg(
        pl.col("size_base").sum().alias("liquidated")
    )
    held = pl.when(pl.col("opening_base") > 0).then(pl.col("opening_base"))
    rows = (
        known.filter(pl.col("completeness") != "sampled")
        .join(liquidated, on=_CONTRACT_HOUR, how="left", maintain_order="left")
        .select(
            "exchange",
            change=pl.col("closing_base") / held - 1.0,
            liquidated=pl.col("liquidated").fill_null(0.0) / held,
            traded=pl.col("traded_base") / held,
            moved=(pl.col("highest_mark_price") / pl.col("lowest_mark_price")).log(),
        )
        .fill_null(float("nan"))
    )
    parts = rows.partition_by("exchange", maintain_order=True, include_key=False)
    return [Flows(*(part[name].to_numpy() for name in part.columns)) for part in parts]


def _window(midnight: datetime) -> tuple[datetime, datetime]:
    return midnight - WINDOW, midnight


def _side(rows: pl.DataFrame, calibration_exposure: pl.DataFrame, events: pl.DataFrame) -> Exposure:
    numbered = rows.select(*_ROW).with_row_index("at")
    cells = calibration_exposure.join(numbered, on=_ROW).sort("at", "position_class", "holding_class")
    swept = np.zeros((len(rows), len(LEVERAGE_X), len(HALF_LIVES_H)))
    where = (cells["at"].to_numpy(), cells["position_class"].to_numpy() - 1, cells["holding_class"].to_numpy())
    swept[where] = cells["exposure_usd"].to_numpy()
    own = events.join(numbered, on=_ROW).sort("at", "time_utc", "seq")
    usd = own["notional_usd"].to_numpy()
    return Exposure(
        hour=rows["hour_utc"].to_numpy(),
        swept=swept,
        realised=_sums(own["at"].to_numpy(), usd, len(rows)),
        squares=_sums(own["at"].to_numpy(), usd**2, len(rows)),
        sampled=(rows["completeness"] == "sampled").to_numpy(),
    )


def _sums(at: np.ndarray, values: Floats, n: int) -> Floats:
    """Return sums of `values` by index, added in the order of the rows so that they are the same to the bit."""
    return np.bincount(at, weights=values, minlength=n).astype(float)


def observe(coins: Sequence[Mapping[Side, Exposure]], midnight: datetime) -> dict[Side, Observed]:
    """Return the observations of all coins pooled by side, from the WINDOW before `midnight`.

    The hour that ends at `midnight` is not included. Sampled hours are left out where most hours are complete.
    """
    parts: dict[Side, list[Exposure]] = {}
    for coin in coins:
        for side, all_hours in coin.items():
            own = all_hours.within(*_window(midnight))
            if len(own.hour):
                parts.setdefault(side, []).append(own)
    return {side: _stack(own) for side, own in parts.items()}


def _stack(parts: Sequence[Exposure]) -> Observed:
    sampled = np.concatenate([part.sampled for part in parts])
    if 0.0 < sampled.mean() < 0.5:
        parts = [part.without_samples() for part in parts]
    realised = np.concatenate([part.realised for part in parts])
    total = float(realised.sum())
    squares = float(np.concatenate([part.squares for part in parts]).sum())
    return Observed(
        swept=np.concatenate([part.swept for part in parts]),
        realised=realised,
        size_usd=squares / total if total > 0 else TYPICAL_SIZE_USD,
        complete=not any(part.sampled.any() for part in parts),
    )


def count_hours(known: Mapping[Side, Observed]) -> int:
    """Return the number of observed contract hours, counted on the long side as both sides share their hours."""
    return sum(len(own.realised) for (_, s), own in known.items() if s > 0)


def learn(
    version: str, exchanges: Sequence[str], known: Mapping[Side, Observed], flows: Sequence[Flows] = ()
) -> dict[Side, Fitted]:
    """Fit both sides of all `exchanges` together; return nothing with fewer than LEAST_HOURS observed hours.

    flows: of each exchange, as evidence of survival. An exchange without observations borrows from the others.
    """
    priors = {(exchange, s): prior(exchange) for exchange in sorted(exchanges) for s in SIDE_OF}
    own = {side: known[side] for side in priors if side in known}
    return fit(version, priors, own, survival(flows)) if count_hours(own) >= LEAST_HOURS else {}
