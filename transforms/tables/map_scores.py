"""mart.map_scores: what was liquidated in the days before a day, against what each estimator said stood there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from expectations.tables import table
from transforms.estimation.backtest import NAMES, RANGE, predict
from transforms.estimation.inputs import SIDE_OF, hour_inputs
from transforms.evaluation.scores import poisson_deviance, rank_correlation, scale
from transforms.model.assumptions import prior
from transforms.model.price_grid import Floats
from transforms.tables.model_parameters import Applying

TABLE = table("map_scores")
WINDOW, SCALED, CARRIED = timedelta(days=7), timedelta(days=7), timedelta(days=7)
"""A score is of WINDOW before its day; SCALED before that is for scaling, and CARRIED before that for getting going."""

LOOKS_BACK = CARRIED + SCALED + WINDOW
_HOUR = timedelta(hours=1)
_CONTRACT = ["exchange", "instrument"]
_LEAST_TOLD = ("sampled", "recent", "complete")
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
    """The scores of one coin as they are when `day` begins: nothing of that day or after it has a part in them."""
    midnight = datetime.combine(day, time())
    hours = [midnight - LOOKS_BACK + i * _HOUR for i in range(LOOKS_BACK // _HOUR)]
    judged = pl.col("hour_utc").is_between(midnight - WINDOW - SCALED, midnight, closed="left")
    read = realised_coverage.filter(judged)
    bars = price_bars.filter(pl.col("open_utc") < midnight)
    contracts = bars.select(_CONTRACT).unique().join(instruments, on=_CONTRACT, how="semi").sort(_CONTRACT).rows()
    parts, sources = [], {}
    for exchange, instrument in contracts:
        own = (pl.col("exchange") == exchange) & (pl.col("instrument") == instrument)
        sources[exchange, instrument] = str(bars.filter(own)["source"].max())
        wanted = set(read.filter(own)["hour_utc"].to_list())
        if not wanted:
            continue
        frames = [f.filter(own) for f in (bars, open_interest, margin_tiers, instruments)]
        told = predict(hour_inputs(*frames, hours=hours), exchange, wanted, Applying(model_parameters, exchange))
        listed = [(exchange, instrument, each.side, each.estimator, each.hour, each.amount) for each in told]
        parts.append(pl.DataFrame(listed, schema=_HOURLY, orient="row"))
    predicted = pl.concat(parts) if parts else pl.DataFrame(schema=_HOURLY)
    hourly = _beside(predicted, realised_liquidations, read)
    about = {"coin": coin, "date": day, "scored_from_utc": midnight - WINDOW, "scored_days": WINDOW.days}
    rows = [about | row for row in _rows(hourly, sources, model_parameters, midnight)]
    return TABLE.conform(pl.DataFrame(rows, schema=TABLE.schema, orient="row"))


def _beside(predicted: pl.DataFrame, events: pl.DataFrame, coverage: pl.DataFrame) -> pl.DataFrame:
    """What was predicted beside what was realised in the hour: 0 where it was read and nothing happened."""
    row = [*_CONTRACT, "side", "hour_utc"]
    ends = pl.col("time_utc").dt.offset_by("-1ms").dt.truncate("1h").dt.offset_by("1h")
    # whole micro-dollars: sums of whole numbers are the same in any order
    usd = (pl.col("notional_usd") * 1e6).round().cast(pl.Int64).sum().cast(pl.Float64) / 1e6
    sums = events.group_by(*_CONTRACT, "side", ends.alias("hour_utc")).agg(usd.alias("realised"))
    told = coverage.select(*_CONTRACT, "hour_utc", "completeness")
    joined = predicted.join(told, on=[*_CONTRACT, "hour_utc"]).join(sums, on=row, how="left")
    return joined.with_columns(pl.col("realised").fill_null(0.0)).sort(*row, "estimator")


def _rows(
    hourly: pl.DataFrame,
    sources: Mapping[tuple[str, str], str],
    model_parameters: pl.DataFrame,
    midnight: datetime,
) -> Iterator[_Row]:
    before = pl.col("hour_utc") < midnight - WINDOW
    parts = hourly.partition_by("exchange", "side", "estimator", as_dict=True)
    last_h = round((midnight - _HOUR - datetime(1970, 1, 1)) / _HOUR)
    for (exchange, instrument), source in sources.items():
        applying = Applying(model_parameters, exchange)
        for s, side in SIDE_OF.items():
            for name in NAMES:
                versions = {"fitted": applying(s, last_h).version, "prior": prior(exchange).version}
                of = parts.get((exchange, side, name), hourly.clear())
                about = {"exchange": exchange, "instrument": instrument, "side": side, "estimator": name}
                known = {"source": source, "parameters_version": versions.get(name)}
                yield about | known | _score(name, of.filter(instrument=instrument).filter(~before), of.filter(before))


def _score(name: str, judged: pl.DataFrame, earlier: pl.DataFrame) -> _Row:
    """One row's numbers. The factor is that of the exchange's side: of all its contracts in the hours before."""
    predicted, realised = _columns(judged)
    factor = scale(*_columns(earlier))
    typical = float(earlier["realised"].sum()) / max(len(earlier), 1)
    scored = poisson_deviance(factor * predicted, realised, typical) if factor is not None else None
    some = len(judged) > 0
    told = set(judged["completeness"])
    return {
        "hours": len(judged),
        "realised_usd": float(realised.sum()) if some else None,
        "predicted_usd": float(predicted.sum()) if some and name != RANGE else None,
        "rank_correlation": _short(rank_correlation(predicted, realised)),
        "scale_hours": len(earlier),
        "scale": _short(factor),
        "poisson_deviance": _short(scored),
        "completeness": next((c for c in _LEAST_TOLD if c in told), None),
    }


def _columns(hourly: pl.DataFrame) -> tuple[Floats, Floats]:
    return np.asarray(hourly["amount"].to_numpy()), np.asarray(hourly["realised"].to_numpy())


def _short(value: float | None) -> float | None:
    """To six digits: how a machine adds is told by the last ones, and nothing else is."""
    return None if value is None else float(f"{value:.6g}")
