"""mart.liquidation_levels, with the position ledger and the estimator state: five tables from one computation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import polars as pl

from expectations.columns.liquidation_map import LEVERAGE_CLASSES
from expectations.contract import Table
from expectations.tables import table
from transforms.estimation.inputs import SIDE_OF, hour_inputs
from transforms.estimation.state import restore, store
from transforms.hourly.hours import HOUR_MS
from transforms.model import estimator as estimate
from transforms.model.population import Population
from transforms.model.price_grid import edge
from transforms.tables.model_parameters import Applying

TABLE = table("liquidation_levels")
LEDGER, EXPOSURE = table("position_ledger"), table("calibration_exposure")
_NOTIONALS = ("notional_usd", "notional_1d_usd", "notional_7d_usd", "notional_30d_usd")


def build(
    price_bars: pl.DataFrame,
    open_interest: pl.DataFrame,
    margin_tiers: pl.DataFrame,
    instruments: pl.DataFrame,
    model_parameters: pl.DataFrame,
    state_positions: pl.DataFrame,
    state_cohorts: pl.DataFrame,
    *,
    coin: str,
    hours: Sequence[datetime],
) -> dict[str, pl.DataFrame]:
    """Return one coin's map and ledger of `hours` (consecutive, ascending) and the state after the last of them.

    state_positions and state_cohorts: the state before the first hour, or empty. An hour for which an exchange has no
    bars or no open interest is stale: the ledger carries the opening balance less the swept positions, the crowd ages,
    and new positions open from the traded volume against the last known open interest.
    """
    parts: dict[str, list[pl.DataFrame]] = {}
    for exchange, instrument in _contracts(instruments, price_bars, state_positions, coin):
        own = (pl.col("exchange") == exchange) & (pl.col("instrument") == instrument)
        frames = [f.filter(own) for f in (price_bars, open_interest, margin_tiers, instruments)]
        inputs = hour_inputs(*frames, hours=hours)
        positions = state_positions.filter(own)
        crowds = restore(positions, state_cohorts.filter(own))
        if not crowds:
            if inputs.first_price is None:
                continue  # neither bars of these hours nor earlier positions
            crowds = {s: Population.empty(s, inputs.first_price) for s in SIDE_OF}
        levels, ledger, sweeps = estimate.run(crowds, inputs.hours, Applying(model_parameters, exchange))
        attributes = {
            "coin": coin,
            "exchange": exchange,
            "instrument": instrument,
            "source": inputs.source(positions),
        }
        for name, frame in _frames(levels, ledger, sweeps, crowds, hours[-1], attributes).items():
            parts.setdefault(name, []).append(frame)
    names = (TABLE.name, LEDGER.name, EXPOSURE.name, "state_positions", "state_cohorts")
    return {n: table(n).conform(pl.concat(parts[n])) if n in parts else table(n).empty() for n in names}


def _contracts(
    instruments: pl.DataFrame, price_bars: pl.DataFrame, positions: pl.DataFrame, coin: str
) -> list[tuple[str, str]]:
    """Return the coin's listed contracts that have bars or positions; the others have no map."""
    listed = instruments.filter(pl.col("coin") == coin).select("exchange", "instrument").unique()
    contract = ["exchange", "instrument"]
    active = pl.concat([price_bars.select(contract), positions.select(contract)]).unique()
    return listed.join(active, on=["exchange", "instrument"], how="semi").sort("exchange", "instrument").rows()


def _frames(
    levels: estimate.Levels,
    ledger: list[estimate.LedgerEntry],
    sweeps: list[estimate.Sweep],
    crowds: Mapping[int, Population],
    last: datetime,
    attributes: Mapping[str, str],
) -> dict[str, pl.DataFrame]:
    if not ledger:
        return {}
    ledger_rows = _ledger(ledger)
    return {
        TABLE.name: _levels(levels, ledger_rows, attributes),
        LEDGER.name: _conform(LEDGER, ledger_rows, attributes),
        EXPOSURE.name: _exposure(sweeps, attributes),
        **store(crowds, last, attributes),
    }


def _ledger(ledger: list[estimate.LedgerEntry]) -> pl.DataFrame:
    rows = [
        {
            "hour_utc": b.hour_h * HOUR_MS,
            "side": SIDE_OF[b.s],
            "opening_base": b.opening,
            "opened_base": b.opened,
            "closed_base": b.closed,
            "liquidated_base": b.swept,
            "closing_base": b.closing,
            "in_map_base": b.in_map,
            "beyond_map_base": b.beyond_map,
            "unliquidatable_base": b.unliquidatable,
            "open_interest_base": b.open_interest,
            "traded_base": b.traded,
            "mark_price": b.mark,
            "lowest_mark_price": b.lowest,
            "highest_mark_price": b.highest,
            "is_stale": b.open_interest is None,
            "gap_log_sd": b.gap_log_sd,
            "parameters_version": b.version,
        }
        for b in ledger
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _exposure(sweeps: list[estimate.Sweep], attributes: Mapping[str, str]) -> pl.DataFrame:
    usd = np.array([sweep.usd for sweep in sweeps])
    at, position_class, holding = np.nonzero(usd)
    frame = pl.DataFrame(
        {
            "hour_utc": np.array([sweep.hour_h for sweep in sweeps])[at] * HOUR_MS,
            "side": np.array([SIDE_OF[sweep.s] for sweep in sweeps])[at],
            "position_class": (position_class + 1).astype(np.int32),
            "holding_class": holding.astype(np.int32),
            "exposure_usd": usd[at, position_class, holding],
        }
    )
    return _conform(EXPOSURE, frame, attributes)


def _levels(levels: estimate.Levels, ledger: pl.DataFrame, attributes: Mapping[str, str]) -> pl.DataFrame:
    """Return the levels as rows.

    ledger: one row per map, in the same order, so that hourly columns are gathered by position instead of joined.
    """
    _, _, bucket, position_class, usd = estimate.columns(levels)
    which = np.repeat(np.arange(len(ledger)), [len(each) for each in levels.bucket])
    lowest = int(bucket.min(initial=0))
    edges = edge(np.arange(lowest, int(bucket.max(initial=0)) + 2))
    own = pl.DataFrame(
        {
            "price_bucket": bucket,
            "leverage_class": pl.Series(LEVERAGE_CLASSES).gather(position_class),
            "price_low": edges[bucket - lowest],
            "price_high": edges[bucket - lowest + 1],
            **{name: usd[:, i] for i, name in enumerate(_NOTIONALS)},
        }
    )
    hourly = ledger.select("hour_utc", "side", "mark_price", "is_stale", "gap_log_sd", "parameters_version")
    return _conform(TABLE, pl.concat([hourly[which], own], how="horizontal"), attributes)


def _conform(contract: Table, frame: pl.DataFrame, attributes: Mapping[str, str]) -> pl.DataFrame:
    timed = frame.with_columns(pl.from_epoch("hour_utc", "ms").cast(contract.schema["hour_utc"]).alias("hour_utc"))
    constant = [pl.lit(value).alias(name) for name, value in attributes.items() if name in contract.schema]
    return contract.shape(timed.with_columns(*constant, pl.col("hour_utc").dt.date().alias("date")))
