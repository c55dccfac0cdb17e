"""Input of the estimator, from tables: bars with the open interest known at their end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from transforms.hourly.hours import HOUR, hour_of
from transforms.model.distance_profile import Contract
from transforms.model.estimator import HourInput
from transforms.model.liquidation_price import Tiers
from transforms.model.step import Bar
from transforms.reference.versions import as_of

SIDE_OF = {+1: "long", -1: "short"}
TRUSTED_FOR = timedelta(minutes=10)
"""Maximum age of a reading of open interest at the end of a bar; an older one does not count."""


@dataclass(frozen=True)
class EstimatorInput:
    """The hours of one contract. first_price: open of the first bar (USD), None without bars; sources: of all bars."""

    hours: list[HourInput]
    first_price: float | None
    sources: list[str]

    def source(self, state: pl.DataFrame) -> str:
        """Return the source of the input; without bars, the source recorded in `state`."""
        return self.sources[-1] if self.sources else str(state["source"][0])


def hour_inputs(
    price_bars: pl.DataFrame,
    open_interest: pl.DataFrame,
    margin_tiers: pl.DataFrame,
    instruments: pl.DataFrame,
    *,
    hours: Sequence[datetime],
) -> EstimatorInput:
    """Return one contract's inputs for every hour of `hours`, with an empty list of bars for an hour without any.

    The frames hold one contract. Raises LookupError if it has no margin tiers.
    """
    bars = _bars(price_bars, open_interest)
    by_hour = {key[0]: rows for key, rows in bars.partition_by("hour", as_dict=True, maintain_order=True).items()}
    contracts = _Contracts(margin_tiers, instruments)
    inputs = [_hour(hour, by_hour.get(hour), contracts.at(hour)) for hour in hours]
    within = bars.filter(pl.col("hour").is_in(list(hours)))
    first = float(within["open"][0]) if len(within) else None
    return EstimatorInput(inputs, first, within["source"].unique().sort().to_list())


def _bars(price_bars: pl.DataFrame, open_interest: pl.DataFrame) -> pl.DataFrame:
    """Return bars in order, each with the open interest known at its end and the hour in which it ends."""
    ended = price_bars.with_columns(
        (pl.col("open_utc") + pl.duration(minutes=pl.col("interval_minutes"))).alias("end_utc")
    ).sort("end_utc")
    readings = open_interest.select(pl.col("time_utc"), pl.col("open_interest_base").alias("oi")).sort("time_utc")
    joined = ended.join_asof(
        readings, left_on="end_utc", right_on="time_utc", strategy="backward", tolerance=TRUSTED_FOR
    )
    return joined.with_columns(
        pl.col("oi").fill_null(float("nan")),
        (pl.col("volume_base").fill_null(float("nan")) / 2).alias("taker"),
        hour_of(pl.col("end_utc")).alias("hour"),
    )


def _hour(hour: datetime, rows: pl.DataFrame | None, contract: Contract) -> HourInput:
    hour_h = round((hour - datetime(1970, 1, 1)) / HOUR)
    if rows is None:
        return HourInput(hour_h, {s: [] for s in SIDE_OF}, contract, fresh=False)
    columns = ("interval_minutes", "open", "high", "low", "close", "taker", "oi", "end_utc")
    values = rows.select(columns).rows()
    bars = [Bar(v[0] / 60, *v[1:7]) for v in values]
    last = values[-1]
    return HourInput(hour_h, dict.fromkeys(SIDE_OF, bars), contract, fresh=last[7] == hour and last[6] == last[6])


class _Contracts:
    """The contract with the tiers in force at an hour; each version is built once, so that its profiles are reused."""

    def __init__(self, margin_tiers: pl.DataFrame, instruments: pl.DataFrame) -> None:
        self.tiers, self.instruments = margin_tiers, instruments
        self.versions: dict[int, Contract] = {}

    def at(self, hour: datetime) -> Contract:
        """Return the contract as of `hour`. Raises LookupError without tiers."""
        starts = sorted(set(self.tiers["valid_from_utc"].to_list()) | set(self.instruments["valid_from_utc"].to_list()))
        index = sum(start <= hour for start in starts)
        if index not in self.versions:
            self.versions[index] = _contract(as_of(self.tiers, hour), as_of(self.instruments, hour))
        return self.versions[index]


def _contract(tiers: pl.DataFrame, instruments: pl.DataFrame) -> Contract:
    listing = instruments.row(0, named=True)
    if tiers.is_empty():
        raise LookupError(f"no margin tiers for {listing['instrument']} on {listing['exchange']}")
    ordered = tiers.sort("tier_floor")
    names = ("tier_cap", "maintenance_rate", "deduction", "max_leverage_x")
    cap, rate, deduction, leverage = (tuple(ordered[c].to_list()) for c in names)
    size = listing["contract_base"] or 1.0
    return Contract(
        listing["exchange"], listing["kind"], Tiers(cap, rate, deduction, leverage, ordered["bound_unit"][0], size)
    )
