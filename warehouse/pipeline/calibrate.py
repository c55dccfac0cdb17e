"""The daily fit: from what was realised before a day began, the version of the parameters that applies from then on."""

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
    """What the fits of some days came to. rows: a row for each day, exchange and side that was fitted.

    too_few: the days without a fit, each with the version that goes on. made_before: the last published hour.
    """

    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_SHOWN))
    too_few: dict[date, str] = field(default_factory=dict)
    checks: int = 0
    partitions: dict[str, int] = field(default_factory=dict)
    quarantined: list[tuple[str, str, str]] = field(default_factory=list)
    made_before: datetime | None = None

    @property
    def published(self) -> int:
        """The number of partitions that were published; `partitions` has it by table."""
        return sum(self.partitions.values())


def calibrate(settings: Settings, first: date, last: date, *, progress: Progress | None = None) -> Calibration:
    """Fit each day from `first` to `last`, from the days before it alone, and publish the versions together.

    Raises UserError for a warehouse that cannot be used, Busy when a run keeps it.
    """
    store, span = open_store(settings.root, settings.source, create=True), tuple(days(first, last))
    begin, end = datetime.combine(first, time()), datetime.combine(last, time())
    plan = Plan(
        begin, end, settings.coins, settings.exchanges, retry_failed=False, tables=(PARAMETERS.name,), days=span
    )
    summary = RunSummary.of(plan, settings)
    made = Calibration(made_before=_newest_hour(store))
    make(store, settings, plan, progress or Silent(), summary)
    catalog.build(store.root)
    made.checks, made.partitions, made.quarantined = summary.checks, dict(summary.partitions), summary.quarantined
    versions = store.read(PARAMETERS, [{}])
    for day in span:
        rows = versions.filter(version=f"fit-{day}")
        if rows.is_empty():
            made.too_few[day] = _standing(versions, datetime.combine(day, time()))
        else:
            made.rows = pl.concat([made.rows, _shown(day, rows)])
    return made


def calibrate_day(day: str) -> dict[str, Any]:
    """As a task: the fit of one day. Returns what was published, held back, or why there is no version."""
    asked = date.fromisoformat(day)
    made = calibrate(load(), asked, asked)
    for line in too_few(made):
        _LOG.warning("%s", line)
    return {
        "published": made.published,
        "partitions": made.partitions,
        "quarantined": [list(held) for held in made.quarantined],
        "too_few": list(too_few(made)),
    }


def too_few(made: Calibration) -> Iterator[str]:
    """A line for each day without a fit."""
    for day, version in made.too_few.items():
        yield (
            f"{day}: fewer than {LEAST_HOURS} hours of liquidations in the {WINDOW.days} days before it; "
            f"{version} goes on"
        )


def _newest_hour(store: Store) -> datetime | None:
    newest = store.read(table("watermark"), [{}])["hour_utc"].max()
    return newest if isinstance(newest, datetime) else None


def _standing(parameters: pl.DataFrame, moment: datetime) -> str:
    """The newest version that applies at `moment`."""
    applies = parameters.filter(pl.col("valid_from_utc") <= moment).sort("valid_from_utc", "version")
    return str(applies["version"][-1])


def _shown(day: date, rows: pl.DataFrame) -> pl.DataFrame:
    """A version as a person reads it: what each side learnt from, and how far it went from the prior."""
    return pl.DataFrame(
        [_side(day, exchange, side, own) for (exchange, side), own in _sides(rows)], schema=_SHOWN, orient="row"
    )


def _sides(rows: pl.DataFrame) -> Iterator[tuple[tuple[str, str], pl.DataFrame]]:
    for exchange in rows["exchange"].unique().sort():
        for side in SIDE_OF.values():
            yield (exchange, side), rows.filter(pl.col("exchange") == exchange, pl.col("side") == side)


def _side(day: date, exchange: str, side: str, rows: pl.DataFrame) -> Mapping[str, object]:
    sums = dict(rows.group_by("parameter").agg(pl.col("value").sum()).iter_rows())
    told = {name: sums[name] for name in ("realised_usd", "prior_usd", "fitted_usd", "distance")}
    weights = {"prior_weight": float(prior(exchange).weight.sum()), "fitted_weight": sums["weight"]}
    return {"day": day, "exchange": exchange, "side": side, "hours": int(sums["hours"])} | told | weights
