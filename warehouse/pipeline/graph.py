"""The lanes of a plan: which tables, days and coins are built, in which order, and which in parallel.

First the reference tables by exchange, then the core tables of all coins by day, which share the responses. Then each
coin by itself, its days in sequence, since a day starts from the state of the day before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import polars as pl

from expectations.contract import Table
from expectations.tables import table
from transforms.exchanges import ADAPTERS
from transforms.hourly.hours import DAY, HOUR
from transforms.tables.model_parameters import STATED
from warehouse.clock import days, floor_hour
from warehouse.errors import UserError
from warehouse.ingest.collector import LOOK_BACK
from warehouse.ingest.streams.recordings import recorded_hours
from warehouse.pipeline.build import parameters_of
from warehouse.pipeline.engine import MAP, Lane
from warehouse.pipeline.unit import in_order, products
from warehouse.plan import Plan
from warehouse.settings import Settings
from warehouse.storage.layout import Key
from warehouse.storage.staging import Stage
from warehouse.storage.store import Store

BARS, LEDGER, INSTRUMENTS, PAYLOADS = map(table, ("price_bars", "position_ledger", "instruments", "payloads"))
FETCHES, PARAMETERS = table("fetches"), table("model_parameters")
_WEEK = 7 * DAY
Hours = tuple[datetime, datetime]


def lanes(stage: Stage, plan: Plan) -> Iterator[tuple[str, list[Lane]]]:
    """Yield the stages of a plan: a name, and a list of lanes that can run in parallel."""
    store, span = stage.store, _span(stage.published, plan)
    of_exchange, of_all, shared, of_coin = _by_scope(plan)
    if of_exchange:
        days_of = (plan.last_hour.date(),)
        yield "reference tables", [Lane(of_exchange, days_of, (None,), name, plan.again) for name in plan.exchanges]
    yield "parameters", [Lane(("model_parameters",), (STATED,))]
    if of_all:
        yield "fit", [Lane(of_all, span, again=plan.again)]
    if shared:
        names = answered_coins(store, plan)
        yield "core tables", [Lane(shared, span, tuple(names), again=plan.again)] if names else []
    if of_coin:
        names = coins(store, plan)
        known = {name: _history(stage.published, name, plan) for name in names}
        expected = {name: _expected(store, name) for name in names}
        work = len(list(days((plan.first_hour - HOUR).date(), plan.last_hour.date())))
        yield (
            "maps" if MAP.name in of_coin else ", ".join(of_coin),
            [
                Lane(of_coin, span, (name,), None, plan.again, {name: known[name]}, {name: expected[name]}, work)
                for name in names
            ],
        )


def later_weeks(store: Store, plan: Plan) -> Iterator[Plan]:
    """Yield the weeks after a plan's last day, up to the end of its coins' maps, which the plan may make stale."""
    last = max((_history(store, name, plan)[1] for name in coins(store, plan)), default=plan.last_hour)
    first = datetime.combine(plan.last_hour.date() + DAY, time())
    if MAP.name in plan.tables_or_all and first <= last:
        yield from replace(plan, first_hour=first, last_hour=last, retry_failed=False, again=False).chunks(_WEEK)


def payload_plan(store: Store, settings: Settings) -> Plan:
    """Return the plan of all hours covered by stored payloads. Raises UserError if there are none."""
    windows = ["exchange", "endpoint", "window_start_utc", "window_end_utc"]
    known = [store.read(of, store.keys(of), windows).drop_nulls() for of in (PAYLOADS, FETCHES)]
    # an archive file covers a whole day or month; the fetch log has the hours it was requested for
    of_hours = pl.concat(known).filter(~pl.col("endpoint").str.starts_with("archive_"))
    requested = known[0] if of_hours.is_empty() else of_hours
    if known[0].is_empty():
        raise UserError(f"there are no payloads in {store.root}; load some with: liq run")
    first, last = requested["window_start_utc"].min(), requested["window_end_utc"].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    exchanges = tuple(e for e in ADAPTERS if e in requested["exchange"].unique())
    return Plan(first + HOUR, floor_hour(last), settings.coins, exchanges, retry_failed=False, again=True)


def coin_plan(store: Store, settings: Settings, coin: str) -> Plan:
    """Return the plan of all hours of a coin's map."""
    known = published_hours(store, coin)
    return Plan(min(known), max(known), (coin,), settings.exchanges, retry_failed=False)


def rebuild_plans(store: Store, plan: Plan, length: timedelta) -> Iterator[Plan]:
    """Yield a plan in parts for a full rebuild: reference versions, then weeks, each fit before the day it is for."""
    fits = store.footer(PARAMETERS, {})
    fitted = {datetime.fromisoformat(day) for day in (fits.units if fits else ()) if day != str(STATED)}
    reference = tuple(t.name for t in in_order() if "exchange" in t.partition)
    rest = tuple(name for name in plan.tables_or_all if name not in reference)
    yield replace(plan, tables=reference)
    for week in plan.chunks(length):
        first = week.first_hour
        for midnight in sorted(each for each in fitted if first <= each <= week.last_hour):
            if first < midnight:
                yield replace(week, first_hour=first, last_hour=midnight - HOUR, tables=rest)
            first = midnight
            hour = replace(week, first_hour=midnight, last_hour=midnight)
            yield replace(hour, tables=(PARAMETERS.name,), days=(midnight.date(),))
        yield replace(week, first_hour=first, tables=rest)


def hours_after(store: Store, plan: Plan) -> dict[str, int]:
    """Count by coin the published hours after the plan's, which are rebuilt if their inputs change."""
    found = {}
    for name in coins(store, plan):
        behind = (_history(store, name, plan)[1] - plan.last_hour) // HOUR
        if behind:
            found[name] = behind
    return found


def coins(store: Store, plan: Plan) -> list[str]:
    """Return the plan's coins, or with `all` every coin that has bars."""
    if plan.coins != ("all",):
        return list(plan.coins)
    return sorted({str(key["coin"]) for key in store.keys(BARS)})


def _by_scope(plan: Plan) -> tuple[tuple[str, ...], ...]:
    """Group the plan's tables: per exchange, all coins together, coins that share responses, and per coin."""
    scopes: tuple[list[str], ...] = ([], [], [], [])
    for each in in_order():
        if each.name in plan.tables_or_all:
            scopes[_scope(each)].append(each.name)
    return tuple(map(tuple, scopes))


def _scope(of: Table) -> int:
    if "exchange" in of.partition:
        return 0
    if "coin" not in of.partition:
        return 1
    shares = any(each.table == PAYLOADS.name for each in of.inputs) and "coin" not in parameters_of(of)
    return 2 if shares else 3


def _span(published: Store, plan: Plan) -> tuple[date, ...]:
    """Return the days to walk: the days of the plan's hours and, with `retry_failed`, of the week before them.

    Bars and events of the hour that ends at midnight belong to the day before.
    """
    if plan.days:
        return plan.days
    first = plan.first_hour - HOUR
    if plan.retry_failed:
        late = recorded_hours(published.root, plan.exchanges, plan.last_hour)
        first = min([first - LOOK_BACK, *(hour - HOUR for hour in late)])
    return tuple(days(first.date(), plan.last_hour.date()))


def _history(store: Store, coin: str, plan: Plan) -> Hours:
    """Return the first and last hour of a coin's map once the plan's hours are published."""
    known = published_hours(store, coin)
    return min([plan.first_hour, *known]), max([plan.last_hour, *known])


def published_hours(store: Store, coin: str) -> Sequence[datetime]:
    """Return the first and last hour of a coin's published map; empty without a map.

    If the file of a day was lost, the files built together with it still show the day.
    """
    of_map = products(MAP)
    built_days = sorted({str(key["date"]) for of in of_map for key in store.keys(of, coin=coin)})
    ends = [date.fromisoformat(day) for day in dict.fromkeys(built_days[:1] + built_days[-1:])]
    return [hour for day in ends for hour in _hours_of(store, {"coin": coin, "date": day}, of_map)]


def _hours_of(store: Store, key: Key, of_map: Sequence[Table]) -> Sequence[datetime]:
    """Return the first and last hour of a day's map, from a footer, else from its ledger."""
    for of in of_map:
        footer = store.footer(of, key)
        recorded = footer.units.get(str(key["date"]), {}).get("hours") if footer else None
        if recorded:
            return [datetime.fromisoformat(hour) for hour in recorded.split()]
    found: list[datetime] = store.read(LEDGER, [key], ["hour_utc"])["hour_utc"].unique().sort().to_list()
    return found[:1] + found[-1:]


def answered_coins(store: Store, plan: Plan) -> list[str]:
    """Return the plan's coins, or with `all` every coin with a response in the plan's days."""
    if plan.coins != ("all",):
        return list(plan.coins)
    keys = [key for day in _span(store.base or store, plan) for key in store.keys(PAYLOADS, date=day)]
    answered = store.read(PAYLOADS, keys, ["exchange", "instrument"]).unique()
    listed = store.read(INSTRUMENTS, store.keys(INSTRUMENTS), ["exchange", "instrument", "coin"])
    return sorted(listed.join(answered, on=["exchange", "instrument"], how="semi")["coin"].unique())


def _expected(store: Store, coin: str) -> tuple[str, ...]:
    """Return the exchanges that list the coin or have no listing yet; all exchanges if none lists it."""
    listed = store.read(INSTRUMENTS, store.keys(INSTRUMENTS), ["exchange", "coin"])
    known, listing = (set(rows["exchange"]) for rows in (listed, listed.filter(pl.col("coin") == coin)))
    return tuple(e for e in sorted(ADAPTERS) if not listing or e in listing or e not in known)
