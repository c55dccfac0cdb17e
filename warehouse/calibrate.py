"""The daily fit: of what was realised before a day began, the version of the parameters that applies from then on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

import polars as pl

from expectations.tables import table
from transforms.calibration import LEAST_HOURS, WINDOW, Seen, hours_of, learn, observed, seen
from transforms.estimator_input import SIDE_OF
from transforms.exchanges import ADAPTERS
from transforms.model.assumptions import prior
from transforms.model.fit import Side
from transforms.tables import model_parameters
from warehouse import catalog
from warehouse.check import check_staged
from warehouse.clock import days
from warehouse.lock import lock
from warehouse.plan import Plan
from warehouse.progress import Progress, Silent
from warehouse.settings import Settings, load
from warehouse.store import Stage, Store, open_store, recover

PARAMETERS = table("model_parameters")
SWEPT, BOOKS = table("swept_activity"), table("position_books")
REALISED, COVERAGE = table("realised_liquidations"), table("realised_coverage")
_SHOWN = {
    "day": pl.Date(), "exchange": pl.String(), "side": pl.String(), "hours": pl.Int64(), "realised_usd": pl.Float64(),
    "prior_usd": pl.Float64(), "fitted_usd": pl.Float64(), "distance": pl.Float64(), "prior_weight": pl.Float64(),
    "fitted_weight": pl.Float64(),
}  # fmt: skip


@dataclass
class Calibration:
    """What the fits of some days came to. rows: a row for each day, venue and side that was fitted.

    too_few: of each day without a fit, the hours that were observed and the version that goes on.
    """

    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_SHOWN))
    too_few: dict[date, tuple[int, str]] = field(default_factory=dict)
    checks: int = 0
    published: int = 0
    quarantined: list[tuple[str, str, str]] = field(default_factory=list)
    made_before: datetime | None = None


def calibrate(settings: Settings, first: date, last: date, *, progress: Progress | None = None) -> Calibration:
    """Fits each day from `first` to `last`, of the days before it alone, and publishes the versions together.

    Raises UserError for a warehouse that cannot be used, Busy when a run holds it.
    """
    progress = progress or Silent()
    store = open_store(settings.root, settings.source, create=True)
    with lock(settings.root, settings.wait_s, progress):
        recover(store)
        made = Calibration(made_before=_newest_hour(store))
        stage = Stage(store, f"calibrate-{first}-{last}")
        stage.clear()
        coins = _coins(store, settings, first, last, progress)
        published = store.read(PARAMETERS, [{}])
        versions = _versions(published, coins, list(days(first, last)), progress, made)
        if not versions.equals(published):
            stage.store.write(PARAMETERS, versions, {})
            _publish(stage, settings, last, progress, made)
    return made


def calibrate_day(day: str) -> dict[str, Any]:
    """The fit of one day as a task. Returns what was published, held back, or why there is no version."""
    asked = date.fromisoformat(day)
    made = calibrate(load(), asked, asked)
    return {
        "published": made.published,
        "quarantined": [list(held) for held in made.quarantined],
        "too_few": list(too_few(made)),
    }


def too_few(made: Calibration) -> Iterator[str]:
    """A line for each day without a fit."""
    for day, (count, version) in made.too_few.items():
        yield f"{day}: {count} hours observed in {WINDOW.days} days, {LEAST_HOURS} are needed; {version} stands"


def _newest_hour(store: Store) -> datetime | None:
    newest = store.read(table("watermark"), [{}])["hour_utc"].max()
    return newest if isinstance(newest, datetime) else None


def _coins(store: Store, settings: Settings, first: date, last: date, progress: Progress) -> list[dict[Side, Seen]]:
    """What is known of each coin in the days before `last`, as far back as the fit of `first` looks."""
    there = sorted({str(key["coin"]) for key in store.keys(COVERAGE)})
    names = [name for name in there if settings.coins == ("all",) or name in settings.coins]
    span = list(days(first - WINDOW, last - timedelta(days=1)))
    progress.stage("read", len(names), "coins")
    made = []
    for name in names:
        made.append(_seen(store, [{"coin": name, "date": day} for day in span]))
        progress.step(name)
    return made


def _seen(store: Store, keys: list[dict[str, object]]) -> dict[Side, Seen]:
    if store.read(COVERAGE, keys).is_empty():
        return {}
    return seen(**{contract.name: store.read(contract, keys) for contract in (SWEPT, BOOKS, REALISED, COVERAGE)})


def _versions(
    parameters: pl.DataFrame, coins: list[dict[Side, Seen]], span: list[date], progress: Progress, made: Calibration
) -> pl.DataFrame:
    """The table with the versions of the days of `span` made again, one after the other.

    A version is of every venue there is, as the prior is, whichever are asked now: hours made with it stay explained.
    """
    progress.stage("fit", len(span), "days")
    for day in span:
        midnight, version = datetime.combine(day, time()), f"fit-{day}"
        known = observed(coins, midnight)
        found = learn(version, sorted(ADAPTERS), known)
        if found:
            rows = model_parameters.fitted(found, midnight)
            parameters = model_parameters.replaced(parameters, version, rows)
            made.rows = pl.concat([made.rows, _shown(day, rows)])
        else:
            made.too_few[day] = (hours_of(known), _standing(parameters, midnight))
        progress.step(f"{day}")
    return parameters


def _standing(parameters: pl.DataFrame, moment: datetime) -> str:
    """The newest version that applies at `moment`."""
    applies = parameters.filter(pl.col("valid_from_utc") <= moment).sort("valid_from_utc", "version")
    return str(applies["version"][-1]) if len(applies) else "the prior"


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


def _publish(stage: Stage, settings: Settings, last: date, progress: Progress, made: Calibration) -> None:
    midnight = datetime.combine(last, time())
    plan = Plan(midnight, midnight, settings.coins, settings.exchanges)
    results, made.quarantined = check_staged(stage, plan, progress)
    made.checks = len(results)
    made.published = stage.publish()
    catalog.build(stage.published.root)
