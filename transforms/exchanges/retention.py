"""How far back each exchange serves its series: the sources of a backfill, and the ranges without a source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from transforms.exchanges.binance import adapter as binance
from transforms.exchanges.feeds import feed
from transforms.hourly.hours import DAY, HOUR

_EPOCH, _MS = datetime(1970, 1, 1), timedelta(milliseconds=1)


@dataclass(frozen=True)
class Retention:
    """A range, `first` to `last` (naive UTC), of an exchange's series, and its `source`; empty if there is none."""

    exchange: str
    series: str
    source: str
    first: datetime
    last: datetime
    note: str = ""


@dataclass(frozen=True)
class _Source:
    """A source of data; `since` returns the start of its data at a given time, None means without limit."""

    source: str
    since: Callable[[datetime], datetime] | None
    note: str = ""


def _for(length: timedelta) -> Callable[[datetime], datetime]:
    return lambda now: now - length


def _binance_rest(now: datetime) -> datetime:
    return _EPOCH + binance.served_since_ms((now - _EPOCH) // _MS) * _MS


_BARS = "price bars"
_INTEREST = "open interest"
_REALISED = "realised liquidations"
_STREAMED = "streamed only: record them with liq listen, or import third-party data with liq import"
_SOURCES: dict[str, dict[str, tuple[_Source, ...]]] = {
    "binance": {
        _INTEREST: (
            _Source("REST", _binance_rest, "every 5 minutes"),
            _Source("archive", None, "daily metrics since September 2020"),
        ),
        _BARS: (
            _Source("REST", _binance_rest),
            _Source("archive", None, "monthly files, else daily ones; REST for days without a file"),
        ),
    },
    "bybit": {
        _INTEREST: (_Source("REST", None, "every 5 minutes, back to launch"),),
        _BARS: (_Source("REST", None, "back to launch"),),
    },
    "okx": {
        _INTEREST: (
            _Source("REST", _for(5 * DAY), "every 5 minutes; 1,440 readings are documented"),
            _Source("REST, hourly", _for(60 * DAY), "1,440 readings are documented; missing ones are gaps"),
        ),
        _BARS: (_Source("REST", None, "back to listing"),),
        _REALISED: (_Source("REST", _for(feed("okx", "liquidations").retention or DAY), "about a day"),),
    },
}


def retention(exchange: str, first: datetime, last: datetime, now: datetime) -> list[Retention]:
    """Return the documented sources of each series for the hours from `first` to `last`, latest range first.

    The gaps that remain after a backfill are in ops.gaps.
    """
    sources = _SOURCES[exchange]
    return [
        made
        for series in (_INTEREST, _BARS, _REALISED)
        for made in _split_range(exchange, series, sources.get(series, ()), first, last, now)
    ]


def _split_range(
    exchange: str, series: str, sources: tuple[_Source, ...], first: datetime, last: datetime, now: datetime
) -> Iterator[Retention]:
    end = last
    for each in sources:
        since = _first_hour(each, first, now)
        if since <= end:
            yield Retention(exchange, series, each.source, since, end, each.note)
            end = since - HOUR
        if since == first:
            return
    if end >= first:
        note = _STREAMED if series == _REALISED else "no longer served: import third-party data with liq import"
        yield Retention(exchange, series, "", first, end, note)


def _first_hour(source: _Source, first: datetime, now: datetime) -> datetime:
    """Return the first hour, from `first` on, that a source covers: an hour needs the data since the hour before."""
    return first if source.since is None else max(first, _full_hour_after(source.since(now)) + HOUR)


def _full_hour_after(moment: datetime) -> datetime:
    full = moment.replace(minute=0, second=0, microsecond=0)
    return full if full == moment else full + HOUR
