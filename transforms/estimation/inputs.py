"""What the estimator reads, from tables to quantities: bars with the open interest that was known at their end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from transforms.model.distance_profile import Contract
from transforms.model.estimator import HourInput
from transforms.model.liquidation_price import Tiers
from transforms.model.step import Bar
from transforms.reference.versions import as_of

SIDE_OF = {+1: "long", -1: "short"}
TRUSTED_FOR = timedelta(minutes=10)
"""A reading of open interest older than this does not speak for the end of a bar."""

_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class EstimatorInput:
    """The hours of one contract. first_price: open of the first bar (USD), None without bars."""

    hours: list[HourInput]
    first_price: float | None
    sources: list[str]

    def source(self, standing: pl.DataFrame) -> str:
        """Where the input came from; of carried hours, where it had come from."""
        return self.sources[-1] if self.sources else str(standing["source"][0])


def hour_inputs(
    price_bars: pl.DataFrame,
    open_interest: pl.DataFrame,
    margin_tiers: pl.DataFrame,
    instruments: pl.DataFrame,
    *,
    hours: Sequence[datetime],
) -> EstimatorInput:
    """The frames hold one contract. Every hour of `hours` is answered, with no bars where there are none."""
    bars = _bars(price_bars, open_interest)
    by_hour = {key[0]: rows for key, rows in bars.partition_by("hour", as_dict=True, maintain_order=True).items()}
    contracts = _Contracts(margin_tiers, instruments)
    made = [_hour(hour, by_hour.get(hour), contracts.at(hour)) for hour in hours]
    within = bars.filter(pl.col("hour").is_in(list(hours)))
    first = float(within["open"][0]) if len(within) else None
    return EstimatorInput(made, first, within["source"].unique().sort().to_list())


def _bars(price_bars: pl.DataFrame, open_interest: pl.DataFrame) -> pl.DataFrame:
    """Bars in order, each with the open interest known at its end and the hour that it ends in."""
    ended = price_bars.with_columns(
        (pl.col("open_utc") + pl.duration(minutes=pl.col("interval_minutes"))).alias("end_utc")
    ).sort("end_utc")
    readings = open_interest.select(pl.col("time_utc"), pl.col("open_interest_base").alias("oi")).sort("time_utc")
    joined = ended.join_asof(
        readings, left_on="end_utc", right_on="time_utc", strategy="backward", tolerance=TRUSTED_FOR
    )
    return joined.with_columns(
        pl.col("oi").fill_null(float("nan")),
        (pl.col("volume_base").fill_null(0.0) / 2).alias("taker"),
        pl.col("end_utc").dt.offset_by("-1ms").dt.truncate("1h").dt.offset_by("1h").alias("hour"),
    )


def _hour(hour: datetime, rows: pl.DataFrame | None, contract: Contract) -> HourInput:
    hour_h = round((hour - datetime(1970, 1, 1)) / _HOUR)
    if rows is None:
        return HourInput(hour_h, {s: [] for s in SIDE_OF}, contract, fresh=False)
    columns = ("interval_minutes", "open", "high", "low", "close", "taker", "oi", "end_utc")
    values = rows.select(columns).rows()
    bars = [Bar(v[0] / 60, *v[1:7]) for v in values]
    last = values[-1]
    return HourInput(hour_h, dict.fromkeys(SIDE_OF, bars), contract, fresh=last[7] == hour and last[6] == last[6])


class _Contracts:
    """The contract with the tiers that held at an hour; each version is made once, so that profiles are found again."""

    def __init__(self, margin_tiers: pl.DataFrame, instruments: pl.DataFrame) -> None:
        self.tiers, self.instruments = margin_tiers, instruments
        self.made: dict[int, Contract] = {}

    def at(self, hour: datetime) -> Contract:
        """The contract as of `hour`. Raises LookupError without tiers."""
        versions = sorted(
            set(self.tiers["valid_from_utc"].to_list()) | set(self.instruments["valid_from_utc"].to_list())
        )
        index = sum(start <= hour for start in versions)
        if index not in self.made:
            self.made[index] = _contract(as_of(self.tiers, hour), as_of(self.instruments, hour))
        return self.made[index]


def _contract(tiers: pl.DataFrame, instruments: pl.DataFrame) -> Contract:
    about = instruments.row(0, named=True)
    if tiers.is_empty():
        raise LookupError(f"no margin tiers for {about['instrument']} on {about['exchange']}")
    ordered = tiers.sort("tier_floor")
    names = ("tier_cap", "maintenance_rate", "deduction", "max_leverage_x")
    cap, rate, deduction, leverage = (tuple(ordered[c].to_list()) for c in names)
    size = about["contract_base"] or 1.0
    return Contract(
        about["exchange"], about["kind"], Tiers(cap, rate, deduction, leverage, ordered["bound_unit"][0], size)
    )
