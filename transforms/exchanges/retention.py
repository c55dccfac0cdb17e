"""Where each exchange's past can be had from: what a backfill of a range will ask, and what cannot be had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from transforms.exchanges.binance import adapter as binance
from transforms.exchanges.feeds import feed

_EPOCH, _MS = datetime(1970, 1, 1), timedelta(milliseconds=1)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Retention:
    """From `first` to `last` (naive UTC) a series of an exchange comes from `source`; empty: from nowhere."""

    exchange: str
    series: str
    source: str
    first: datetime
    last: datetime
    note: str = ""


@dataclass(frozen=True)
class _Kept:
    """Since when a source has data, asked at a moment; None: for ever."""

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
_STREAMED = "the exchange only streams them: liq listen records, liq import takes bought ones"
_SOURCES: dict[str, dict[str, tuple[_Kept, ...]]] = {
    "binance": {
        _INTEREST: (
            _Kept("REST", _binance_rest, "every 5 minutes"),
            _Kept("archive", None, "daily metrics since September 2020"),
        ),
        _BARS: (
            _Kept("REST", _binance_rest),
            _Kept("archive", None, "by the month, else by the day; REST for days that it lacks"),
        ),
    },
    "bybit": {
        _INTEREST: (_Kept("REST", None, "every 5 minutes, back to launch"),),
        _BARS: (_Kept("REST", None, "back to launch"),),
    },
    "okx": {
        _INTEREST: (
            _Kept("REST", _for(5 * _DAY), "every 5 minutes; 1,440 readings as documented"),
            _Kept("REST, hourly", _for(60 * _DAY), "1,440 readings as documented; what is not there is a gap"),
        ),
        _BARS: (_Kept("REST", None, "back to listing"),),
        _REALISED: (_Kept("REST", _for(feed("okx", "liquidations").kept or _DAY), "about a day"),),
    },
}


def retention(exchange: str, first: datetime, last: datetime, now: datetime) -> list[Retention]:
    """What the exchange documents to have of each series of the hours from `first` to `last`, latest first.

    What it then answers is in ops.gaps.
    """
    sources = _SOURCES[exchange]
    return [
        made
        for series in (_INTEREST, _BARS, _REALISED)
        for made in _of_series(exchange, series, sources.get(series, ()), first, last, now)
    ]


def _of_series(
    exchange: str, series: str, kept: tuple[_Kept, ...], first: datetime, last: datetime, now: datetime
) -> Iterator[Retention]:
    end = last
    for each in kept:
        since = _first_hour(each, first, now)
        if since <= end:
            yield Retention(exchange, series, each.source, since, end, each.note)
            end = since - _HOUR
        if since == first:
            return
    if end >= first:
        note = _STREAMED if series == _REALISED else "the exchange no longer has them: liq import takes bought ones"
        yield Retention(exchange, series, "", first, end, note)


def _first_hour(kept: _Kept, first: datetime, now: datetime) -> datetime:
    """From `first` on: an hour needs what was reported since the one before."""
    return first if kept.since is None else max(first, _full_hour_after(kept.since(now)) + _HOUR)


def _full_hour_after(moment: datetime) -> datetime:
    full = moment.replace(minute=0, second=0, microsecond=0)
    return full if full == moment else full + _HOUR
