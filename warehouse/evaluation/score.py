"""The daily score: liquidations of the days before a day, against the predictions of the map and its baselines."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

import polars as pl

from expectations.columns.evaluation import ESTIMATORS
from expectations.tables import table
from transforms.evaluation.scores import LEAST_HOURS
from warehouse.catalog import build as catalog
from warehouse.errors import UserError
from warehouse.pipeline.run import make
from warehouse.pipeline.run_log import RunSummary
from warehouse.plan import Plan
from warehouse.progress import Progress, Silent
from warehouse.settings import Settings, load
from warehouse.storage.store import Store, open_store

SCORES = table("map_scores")
_LOG = logging.getLogger("warehouse")


@dataclass
class Scored:
    """The published scores of one day, and the quarantined partitions."""

    rows: pl.DataFrame = field(default_factory=SCORES.empty)
    partitions: dict[str, int] = field(default_factory=dict)
    quarantined: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def published(self) -> int:
        """The number of published partitions; `partitions` has it by table."""
        return sum(self.partitions.values())


def score(settings: Settings, day: date, *, coins: Sequence[str] = (), progress: Progress | None = None) -> Scored:
    """Score and publish `day` from the days before it, for `coins` or the coins of the settings that have bars.

    Raises UserError for an unusable warehouse or an unknown coin, Busy if a run holds the warehouse.
    """
    store = open_store(settings.root, settings.source, create=True)
    names, midnight = _coins(store, settings, coins), datetime.combine(day, time())
    plan = Plan(
        midnight, midnight, tuple(names), settings.exchanges, retry_failed=False, tables=(SCORES.name,), days=(day,)
    )
    summary = RunSummary.of(plan, settings)
    make(store, settings, plan, progress or Silent(), summary)
    catalog.build(store.root)
    rows = store.read(SCORES, [{"coin": name, "date": day} for name in names])
    return Scored(rows, dict(summary.partitions), summary.quarantined)


def score_day(day: str) -> dict[str, Any]:
    """Score one day as a task. Return the numbers of rows and published partitions, and the quarantined ones."""
    result = score(load(), date.fromisoformat(day))
    for line in remarks(result):
        _LOG.warning("%s", line)
    return {
        "rows": result.rows.height,
        "published": result.published,
        "partitions": result.partitions,
        "coins": result.rows["coin"].unique().sort().to_list(),
        "quarantined": [list(held) for held in result.quarantined],
    }


def remarks(result: Scored) -> Iterator[str]:
    """Yield remarks on missing data, missing scores and quarantined partitions."""
    if result.rows.is_empty():
        yield "there are no bars in the days before; load them with: liq backfill"
        return
    hours = result.rows.unique(["coin", "exchange", "instrument"], maintain_order=True)
    incomplete = hours.filter(pl.col("hours") == 0)["exchange"].unique().sort().to_list()
    if incomplete:
        yield f"no hour with complete liquidations of {', '.join(incomplete)}: nothing to compare with"
    few = hours.filter(pl.col("hours").is_between(1, LEAST_HOURS - 1))
    if few.height:
        yield f"fewer than {LEAST_HOURS} hours with data: no correlation ({few.height} of {hours.height} contracts)"
    unscaled = hours.filter((pl.col("hours") > 0) & (pl.col("scale_hours") < LEAST_HOURS))
    if unscaled.height:
        count = f"{unscaled.height} of {hours.height} contracts"
        yield f"fewer than {LEAST_HOURS} hours with data in the week before: no deviance ({count})"
    yield from (f"quarantined: {name} {reason}" for name, _, reason in result.quarantined)


def side_by_side(rows: pl.DataFrame) -> pl.DataFrame:
    """Pivot scores for display: a row per side of a contract, a column per estimator.

    Cells are `rank correlation / deviance`, with a dash for null.
    """
    parts = [
        pl.when(pl.col(name).is_null()).then(pl.lit("–")).otherwise(pl.col(name).round(2).cast(pl.String))
        for name in ("rank_correlation", "poisson_deviance")
    ]
    index = ["coin", "exchange", "instrument", "side", "hours", "realised_usd"]
    cells = rows.with_columns(pl.format("{} / {}", *parts).alias("text"))
    wide = cells.pivot("estimator", index=index, values="text", maintain_order=True).sort(index[:4])
    return wide.select(*index, *(name for name in ESTIMATORS if name in wide.columns))


def _coins(store: Store, settings: Settings, names: Sequence[str]) -> list[str]:
    stored = sorted({str(key["coin"]) for key in store.keys(table("price_bars"))})
    unknown = sorted(set(names) - set(stored))
    if unknown:
        raise UserError(f"the warehouse has no bars of {', '.join(unknown)}; it has {', '.join(stored) or 'none'}")
    selected = names or (stored if settings.coins == ("all",) else settings.coins)
    return [name for name in stored if name in selected]
