"""The gaps of the hours that were ever asked for, by whichever run, or that imports tell of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby

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
_ASKED = ["exchange", "date", "endpoint", "instrument", *_WINDOW, "outcome", "reason"]
_HOURLY = pl.col("endpoint").is_in([endpoint(s) for s in ("open_interest", "mark_bars", "trade_bars")])


def make_gaps(
    stage: Store,
    plan: Plan,
    venues: Mapping[date, Sequence[str]],
    payloads: pl.DataFrame,
    instruments: pl.DataFrame,
    now_asked: Collection[datetime],
) -> None:
    """Into the stage, for the days of `venues` but the first, which is the day before them.

    `venues`: who was asked, by day. `payloads`: of all those days.
    """
    span = list(venues)
    asked = stage.read(FETCHES, [{"exchange": e, "date": d} for e in _of(venues, span) for d in span], _ASKED)
    windows = pl.concat([each.select("date", *_WINDOW) for each in (asked.filter(~_FILE), payloads.filter(_HOURLY))])
    names = sorted(set(instruments["coin"].to_list())) if plan.coins == ("all",) else plan.coins
    for exchanges, same in groupby(span[1:], lambda day: _of(venues, (day - _DAY, day))):
        together = list(same)
        wanted = [hour for day in together for hour in _hours_asked(windows, now_asked, day)]
        for coin in names:
            keys = [{"coin": coin, "date": day} for day in (together[0] - _DAY, *together)]
            known = {t.name: stage.read(t, keys) for t in (OPEN_INTEREST, BARS)}
            owing = _expected(instruments, plan, coin, exchanges)
            about = {"fetches": asked, "instruments": instruments, **known}
            gaps = build("gaps", about, coin=coin, hours=wanted, exchanges=owing)
            for day in together:
                stage.write(GAPS, gaps.filter(pl.col("date") == day), {"coin": coin, "date": day})


def _of(venues: Mapping[date, Sequence[str]], span: Iterable[date]) -> list[str]:
    return sorted({name for day in span for name in venues[day]})


def _expected(instruments: pl.DataFrame, plan: Plan, coin: str, exchanges: Iterable[str]) -> list[str]:
    """Venues that owe the coin: all when it was asked for by name, else those that list it or are not known yet."""
    known = set(instruments["exchange"].to_list())
    listing = set(instruments.filter(pl.col("coin") == coin)["exchange"].to_list())
    return [e for e in exchanges if plan.coins != ("all",) or e in listing or e not in known]


def _hours_asked(windows: pl.DataFrame, now_asked: Collection[datetime], day: date) -> list[datetime]:
    near = windows.filter(pl.col("date").is_between(day - _DAY, day) & pl.col("window_end_utc").is_not_null())
    covered = {h for start, end in near.select(_WINDOW).unique().iter_rows() for h in hours(_ceil(start), end)}
    midnight = datetime.combine(day, time())
    return sorted(h for h in covered | set(now_asked) if midnight <= h < midnight + _DAY)


def _ceil(start: datetime) -> datetime:
    return start.replace(minute=0, second=0, microsecond=0) + HOUR
