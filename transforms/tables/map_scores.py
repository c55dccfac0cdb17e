"""mart.map_scores: each estimator's predictions against the realised liquidations of the days before a day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from expectations.tables import table
from transforms.estimation.backtest import NAMES, RANGE, predict
from transforms.estimation.inputs import SIDE_OF, hour_inputs
from transforms.evaluation.scores import poisson_deviance, rank_correlation, scale
from transforms.hourly.hours import HOUR, hour_of
from transforms.model.assumptions import prior
from transforms.model.price_grid import Floats
from transforms.tables.model_parameters import Applying

TABLE = table("map_scores")
WINDOW, SCALED, CARRIED = timedelta(days=7), timedelta(days=7), timedelta(days=7)
"""A score covers the WINDOW before its day. SCALED, before that, fits the scale; CARRIED, earlier still, is warm-up."""

LOOKS_BACK = CARRIED + SCALED + WINDOW
_CONTRACT = ["exchange", "instrument"]
_LEAST_COMPLETE_FIRST = ("sampled", "recent", "complete")
_HOURLY = pl.Schema(
    {"exchange": pl.String(), "instrument": pl.String(), "side": pl.String(), "estimator": pl.String()}
    | {"hour_utc": TABLE.schema["scored_from_utc"], "amount": pl.Float64()}
)
_Row = dict[str, object]


def build(
    price_bars: pl.DataFrame,
    open_interest: pl.DataFrame,
    margin_tiers: pl.DataFrame,
    instruments: pl.DataFrame,
    model_parameters: pl.DataFrame,
    realised_liquidations: pl.DataFrame,
    realised_coverage: pl.DataFrame,
    *,
    coin: str,
    day: date,
) -> pl.DataFrame:
    """Return the scores of one coin at the start of `day`; no data of that day or later enters them."""
    midnight = datetime.combine(day, time())
    hours = [midnight - LOOKS_BACK + i * HOUR for i in range(LOOKS_BACK // HOUR)]
    in_range = pl.col("hour_utc").is_between(midnight - WINDOW - SCALED, midnight, closed="left")
    coverage = realised_coverage.filter(in_range)
    bars = price_bars.filter(pl.col("open_utc") < midnight)
    contracts = bars.select(_CONTRACT).unique().join(instruments, on=_CONTRACT, how="semi").sort(_CONTRACT).rows()
    parts, sources = [], {}
    for exchange, instrument in contracts:
        own = (pl.col("exchange") == exchange) & (pl.col("instrument") == instrument)
        sources[exchange, instrument] = str(bars.filter(own)["source"].max())
        covered = set(coverage.filter(own)["hour_utc"].to_list())
        if not covered:
            continue
        frames = [f.filter(own) for f in (bars, open_interest, margin_tiers, instruments)]
        inputs = hour_inputs(*frames, hours=hours)
        predictions = predict(inputs, exchange, covered, Applying(model_parameters, exchange))
        rows = [(exchange, instrument, each.side, each.estimator, each.hour, each.amount) for each in predictions]
        parts.append(pl.DataFrame(rows, schema=_HOURLY, orient="row"))
    predicted = pl.concat(parts) if parts else pl.DataFrame(schema=_HOURLY)
    hourly = _join_realised(predicted, realised_liquidations, coverage)
    attributes = {"coin": coin, "date": day, "scored_from_utc": midnight - WINDOW, "scored_days": WINDOW.days}
    scores = [attributes | row for row in _rows(hourly, sources, model_parameters, midnight)]
    return TABLE.conform(pl.DataFrame(scores, schema=TABLE.schema, orient="row"))


def _join_realised(predicted: pl.DataFrame, events: pl.DataFrame, coverage: pl.DataFrame) -> pl.DataFrame:
    """Join the realised USD of each covered hour to its predictions; 0 where nothing was liquidated."""
    row = [*_CONTRACT, "side", "hour_utc"]
    ends = hour_of(pl.col("time_utc"))
    # Whole micro-dollars: integer sums do not depend on the order.
    usd = (pl.col("notional_usd") * 1e6).round().cast(pl.Int64).sum().cast(pl.Float64) / 1e6
    sums = events.group_by(*_CONTRACT, "side", ends.alias("hour_utc")).agg(usd.alias("realised"))
    covered = coverage.select(*_CONTRACT, "hour_utc", "completeness")
    joined = predicted.join(covered, on=[*_CONTRACT, "hour_utc"]).join(sums, on=row, how="left")
    return joined.with_columns(pl.col("realised").fill_null(0.0)).sort(*row, "estimator")


def _rows(
    hourly: pl.DataFrame,
    sources: Mapping[tuple[str, str], str],
    model_parameters: pl.DataFrame,
    midnight: datetime,
) -> Iterator[_Row]:
    before = pl.col("hour_utc") < midnight - WINDOW
    parts = hourly.partition_by("exchange", "side", "estimator", as_dict=True)
    last_h = round((midnight - HOUR - datetime(1970, 1, 1)) / HOUR)
    for (exchange, instrument), source in sources.items():
        applying = Applying(model_parameters, exchange)
        for s, side in SIDE_OF.items():
            for name in NAMES:
                versions = {"fitted": applying(s, last_h).version, "prior": prior(exchange).version}
                part = parts.get((exchange, side, name), hourly.clear())
                key = {"exchange": exchange, "instrument": instrument, "side": side, "estimator": name}
                origin = {"source": source, "parameters_version": versions.get(name)}
                in_window = part.filter(instrument=instrument).filter(~before)
                yield key | origin | _score(name, in_window, part.filter(before))


def _score(name: str, in_window: pl.DataFrame, earlier: pl.DataFrame) -> _Row:
    """Return one row's scores.

    The scale is fitted to `earlier`, the hours before the window of all the exchange's contracts on this side.
    """
    predicted, realised = _columns(in_window)
    factor = scale(*_columns(earlier))
    typical = float(earlier["realised"].sum()) / max(len(earlier), 1)
    deviance = poisson_deviance(factor * predicted, realised, typical) if factor is not None else None
    some = len(in_window) > 0
    levels = set(in_window["completeness"])
    return {
        "hours": len(in_window),
        "realised_usd": float(realised.sum()) if some else None,
        "predicted_usd": float(predicted.sum()) if some and name != RANGE else None,
        "rank_correlation": _round(rank_correlation(predicted, realised)),
        "scale_hours": len(earlier),
        "scale": _round(factor),
        "poisson_deviance": _round(deviance),
        "completeness": next((c for c in _LEAST_COMPLETE_FIRST if c in levels), None),
    }


def _columns(hourly: pl.DataFrame) -> tuple[Floats, Floats]:
    return np.asarray(hourly["amount"].to_numpy()), np.asarray(hourly["realised"].to_numpy())


def _round(value: float | None) -> float | None:
    """Round to six significant digits: the digits after them depend on the order of additions."""
    return None if value is None else float(f"{value:.6g}")
