"""The stale units of a whole warehouse, by the same rule as a run; nothing is built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from expectations.tables import load, table
from warehouse.pipeline import graph
from warehouse.pipeline.engine import MAP, Lane, Walk
from warehouse.pipeline.inputs import Reader
from warehouse.pipeline.unit import Unit, in_order, products
from warehouse.plan import Plan
from warehouse.settings import Settings
from warehouse.storage.staging import Stage
from warehouse.storage.store import Store

PARAMETERS, SCORES = table("model_parameters"), table("map_scores")
Found = list[tuple[Unit, str]]


def outdated(store: Store, settings: Settings) -> Iterator[tuple[str, Found]]:
    """Yield by coin the stale or missing units with their reasons; units without a coin come last, under "".

    Their dependents are not listed: whether these become stale is known only once the units are built.
    """
    mapped = {str(key["coin"]) for of in products(MAP) for key in store.keys(of)}
    for coin in sorted(name for name in mapped if graph.published_hours(store, name)):
        yield coin, [*_of_coin(store, settings, coin)]
    fits = store.footer(PARAMETERS, {})
    fitted = tuple(date.fromisoformat(day) for day in (fits.units if fits else ()))
    yield "", [*_stale(store, Lane((PARAMETERS.name,), fitted))]


def _of_coin(store: Store, settings: Settings, coin: str) -> Iterator[tuple[Unit, str]]:
    whole = graph.coin_plan(store, settings, coin)
    found: Found = []
    for _, lanes in graph.lanes(Stage(store, "none"), replace(whole, tables=_daily(whole))):
        for lane in lanes:
            if lane.coins == (coin,):
                found += _stale(store, lane)
    changed = {(name, unit.day) for unit, why in found for name in why.removesuffix(" changed").split(", ")}
    for unit, why in found:
        # a day without data has no file; it counts as missing only if a unit built from it changed
        name, following = unit.table.name, date.fromordinal(unit.day.toordinal() + 1)
        if unit.table.layer != "core" or "missing" not in why or {(name, unit.day), (name, following)} & changed:
            yield unit, why
    days = tuple(key["date"] for key in store.keys(SCORES, coin=coin) if isinstance(key["date"], date))
    yield from _stale(store, Lane((SCORES.name,), days, (coin,)))


def _daily(plan: Plan) -> tuple[str, ...]:
    """Return the plan's daily tables; versions of instruments and tiers are checked by every run anyway."""
    return tuple(name for name in plan.tables_or_all if load()[name].is_daily)


def _stale(store: Store, lane: Lane) -> Iterator[tuple[Unit, str]]:
    walk = Walk(store, lane, Reader(store))
    for day in lane.days:
        for of in (each for each in in_order() if each.name in lane.tables):
            yield from ((unit, why) for unit in walk.units(of, day) if (why := walk.reason(unit)))
