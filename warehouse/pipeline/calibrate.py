"""The daily fit: a version of the parameters, from liquidations before a day, that applies from that day on."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

import polars as pl

from expectations.tables import table
from transforms.estimation.calibration import LEAST_HOURS, WINDOW
from transforms.estimation.inputs import SIDE_OF
from transforms.model.assumptions import prior
from warehouse.catalog import build as catalog
from warehouse.clock import days
from warehouse.pipeline.run import make
from warehouse.pipeline.run_log import RunSummary
from warehouse.plan import Plan
from warehouse.progress import Progress, Silent
from warehouse.settings import Settings, load
from warehouse.storage.store import Store, open_store

PARAMETERS = table("model_parameters")
_SHOWN = {
    "day": pl.Date(), "exchange": pl.String(), "side": pl.String(), "hours": pl.Int64(), "realised_usd": pl.Float64(),
    "prior_usd": pl.Float64(), "fitted_usd": pl.Float64(), "distance": pl.Float64(), "prior_weight": pl.Float64(),
    "fitted_weight": pl.Float64(),
}  # fmt: skip
_LOG = logging.getLogger("warehouse")


@dataclass
class Calibration:
    """The result of fitting a range of days. rows: one row for each fitted day, exchange and side.

    too_few: the days without a fit, each with the version that stays in force. newest_hour: the last published hour.
    """

    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_SHOWN))
    too_few: dict[date, str] = field(default_factory=dict)
    checks: int = 0
    partitions: dict[str, int] = field(default_factory=dict)
    quarantined: list[tuple[str, str, str]] = field(default_factory=list)
    newest_hour: datetime | None = None

    @property
    def published(self) -> int:
        """The number of partitions that were published; `partitions` has it by table."""
        return sum(self.partitions.values())


def calibrate(settings: Settings, first: date, last: date, *, progress: Progress | None = None) -> Calibration:
    """Fit each day from `first` to `last` from the days before it only, and publish the versions together.

    Raises UserError for an unusable warehouse, Busy if another run holds it.
    """
    store, span = open_store(settings.root, settings.source, create=True), tuple(days(first, last))
    begin, end = datetime.combine(first, time()), datetime.combine(last, time())
    plan = Plan(
        begin, end, settings.coins, settings.exchanges, retry_failed=False, tables=(PARAMETERS.name,), days=span
    )
    summary = RunSummary.of(plan, settings)
    result = Calibration(newest_hour=_newest_hour(store))
    make(store, settings, plan, progress or Silent(), summary)
    catalog.build(store.root)
    result.checks, result.partitions, result.quarantined = summary.checks, dict(summary.partitions), summary.quarantined
    versions = store.read(PARAMETERS, [{}])
    for day in span:
        rows = versions.filter(version=f"fit-{day}")
        if rows.is_empty():
            result.too_few[day] = _version_in_force(versions, datetime.combine(day, time()))
        else:
            result.rows = pl.concat([result.rows, _summarise(day, rows)])
    return result


def calibrate_day(day: str) -> dict[str, Any]:
    """Fit one day as a task. Return published counts, quarantined partitions, and a line if the day has no fit."""
    first = last = date.fromisoformat(day)
    result = calibrate(load(), first, last)
    for line in too_few(result):
        _LOG.warning("%s", line)
    return {
        "published": result.published,
        "partitions": result.partitions,
        "quarantined": [list(each) for each in result.quarantined],
        "too_few": list(too_few(result)),
    }


def too_few(result: Calibration) -> Iterator[str]:
    """Yield a line for each day without a fit."""
    for day, version in result.too_few.items():
        yield (
            f"{day}: fewer than {LEAST_HOURS} hours of liquidations in the {WINDOW.days} days before it; "
            f"{version} stays in force"
        )


def _newest_hour(store: Store) -> datetime | None:
    newest = store.read(table("watermark"), [{}])["hour_utc"].max()
    return newest if isinstance(newest, datetime) else None


def _version_in_force(parameters: pl.DataFrame, moment: datetime) -> str:
    """Return the newest version that applies at `moment`."""
    applies = parameters.filter(pl.col("valid_from_utc") <= moment).sort("valid_from_utc", "version")
    return str(applies["version"][-1])


def _summarise(day: date, rows: pl.DataFrame) -> pl.DataFrame:
    """Summarise a version by exchange and side: the data of its fit and its distance from the prior."""
    return pl.DataFrame(
        [_side(day, exchange, side, own) for (exchange, side), own in _sides(rows)], schema=_SHOWN, orient="row"
    )


def _sides(rows: pl.DataFrame) -> Iterator[tuple[tuple[str, str], pl.DataFrame]]:
    for exchange in rows["exchange"].unique().sort():
        for side in SIDE_OF.values():
            yield (exchange, side), rows.filter(pl.col("exchange") == exchange, pl.col("side") == side)


def _side(day: date, exchange: str, side: str, rows: pl.DataFrame) -> Mapping[str, object]:
    sums = dict(rows.group_by("parameter").agg(pl.col("value").sum()).iter_rows())
    totals = {name: sums[name] for name in ("realised_usd", "prior_usd", "fitted_usd", "distance")}
    weights = {"prior_weight": float(prior(exchange).weight.sum()), "fitted_weight": sums["weight"]}
    return {"day": day, "exchange": exchange, "side": side, "hours": int(sums["hours"])} | totals | weights
