"""The gaps of the hours that were ever asked for, by whichever run, or that imports tell of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta

import polars as pl

from expectations.tables import table
from transforms.exchanges.imported import endpoint
from warehouse.build import build
from warehouse.clock import HOUR, hours
from warehouse.plan import Plan
from warehouse.store import Store

FETCHES, GAPS, BARS, OPEN_INTEREST = (table(name) for name in ("fetches", "gaps", "price_bars", "open_interest"))
_DAY = timedelta(days=1)
_FILE = pl.col("endpoint").str.starts_with("archive_")  # of a day, for whichever hours of it were asked for
_WINDOW = ["window_start_utc", "window_end_utc"]
_HOURLY = pl.col("endpoint").is_in([endpoint(s) for s in ("open_interest", "mark_bars", "trade_bars")])


def make_gaps(
    stage: Store,
    plan: Plan,
    venues: Mapping[date, Sequence[str]],
    payloads: pl.DataFrame,
    instruments: pl.DataFrame,
    now_asked: Iterable[datetime],
) -> None:
    """Into the stage, for the days of `venues` but the first, which is the day before them.

    `venues`: who was asked, by day. `payloads`: of all those days.
    """
    span = list(venues)
    asked = stage.read(FETCHES, [{"exchange": e, "date": d} for e in _of(venues, span) for d in span])
    imports = payloads.filter(_HOURLY)
    windows = pl.concat([each.select("date", *_WINDOW) for each in (asked.filter(~_FILE), imports)])
    names = sorted(set(instruments["coin"].to_list())) if plan.coins == ("all",) else plan.coins
    readings = {name: _by_coin(stage, name, names, span) for name in ("open_interest", "price_bars")}
    for day in span[1:]:
        near = pl.col("date").is_between(day - _DAY, day)
        wanted, exchanges = _hours_asked(windows.filter(near), now_asked, day), _of(venues, (day - _DAY, day))
        about = {"fetches": asked.filter(near), "instruments": instruments}
        for coin in names:
            inputs = {**about, **{name: own[coin].filter(near) for name, own in readings.items()}}
            owing = _expected(instruments, plan, coin, exchanges)
            stage.write(
                GAPS, build("gaps", inputs, coin=coin, hours=wanted, exchanges=owing), {"coin": coin, "date": day}
            )


def _of(venues: Mapping[date, Sequence[str]], span: Iterable[date]) -> list[str]:
    return sorted({name for day in span for name in venues[day]})


def _by_coin(stage: Store, name: str, coins: Iterable[str], span: Sequence[date]) -> dict[str, pl.DataFrame]:
    return {coin: stage.read(table(name), [{"coin": coin, "date": day} for day in span]) for coin in coins}


def _expected(instruments: pl.DataFrame, plan: Plan, coin: str, exchanges: Iterable[str]) -> list[str]:
    """Venues that owe the coin: all when it was asked for by name, else those that list it or are not known yet."""
    known = set(instruments["exchange"].to_list())
    listing = set(instruments.filter(pl.col("coin") == coin)["exchange"].to_list())
    return [e for e in exchanges if plan.coins != ("all",) or e in listing or e not in known]


def _hours_asked(windows: pl.DataFrame, now_asked: Iterable[datetime], day: date) -> list[datetime]:
    windows = windows.filter(pl.col("window_end_utc").is_not_null()).select(_WINDOW).unique()
    covered = {h for start, end in windows.iter_rows() for h in hours(_ceil(start), end)}
    midnight = datetime.combine(day, time())
    return sorted(h for h in covered | set(now_asked) if midnight <= h < midnight + _DAY)


def _ceil(start: datetime) -> datetime:
    return start.replace(minute=0, second=0, microsecond=0) + HOUR
