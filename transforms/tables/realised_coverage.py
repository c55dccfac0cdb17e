"""core.realised_coverage: of which hours an exchange's realised liquidations were read or listened to in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import timedelta

import polars as pl

from expectations.tables import table
from transforms.coverage.covered_hour import CoveredHour
from transforms.coverage.imported_hours import imported_hours
from transforms.coverage.listened_hours import listened_hours
from transforms.exchanges import adapter, recording
from transforms.exchanges.feeds import BEST_FIRST, feed
from transforms.exchanges.imported import is_imported
from transforms.exchanges.protocol import ExchangeError, Request
from transforms.exchanges.replay import carrying, request_of, response_of
from transforms.reference.latest import listed

TABLE = table("realised_coverage")
_HOUR_MS = 3_600_000
_COVERED = {
    "exchange": pl.String(),
    "instrument": pl.String(),  # null: every contract of the exchange
    "hour_ms": pl.Int64(),
    "completeness": pl.Enum(BEST_FIRST),
    "source": pl.String(),
}
# What was read in full stays the exchange's own: a complete import comes before a sample alone.
_BEST_FIRST = (pl.col("completeness") == "sampled", is_imported(), "completeness")


@dataclass(frozen=True)
class _Page:
    """One answer that is data: what was asked, when it came, and the page that it says is next."""

    request: Request
    received_ms: int
    follows: str | None
    source: str


def build(payloads: pl.DataFrame, instruments: pl.DataFrame) -> pl.DataFrame:
    """The hours that end within a window of which every page was answered, or that were listened to, once each.

    An answer says nothing of what had not happened when it came, nor of what the exchange had forgotten by then: asked of
    last week, OKX answers that nothing happened. Of an import the hours count that its importer said to be complete,
    where no more than a sample is the exchange's own.
    """
    told = carrying(payloads, "realised_liquidations")
    streamed = pl.col("endpoint") == recording.ENDPOINT
    windows: dict[tuple[str, str | None, int | None, int | None], list[_Page]] = {}
    for page in _pages(told.filter(~streamed & ~is_imported())):
        asked = page.request
        windows.setdefault((asked.exchange, asked.instrument, asked.start_ms, asked.end_ms), []).append(page)
    hours = [hour for pages in windows.values() for hour in _hours(pages)]
    hours += [*listened_hours(told.filter(streamed)), *imported_hours(told.filter(is_imported()))]
    covered = pl.DataFrame([astuple(each) for each in hours], schema=_COVERED, orient="row")
    known = listed(instruments).select("exchange", "instrument", "coin")
    everything = covered.filter(pl.col("instrument").is_null()).drop("instrument").join(known, on="exchange")
    named = covered.join(known, on=["exchange", "instrument"])
    once = (
        pl.concat([named, everything.select(named.columns)])
        .sort(_BEST_FIRST, maintain_order=True)
        .unique(["exchange", "instrument", "hour_ms"], keep="first", maintain_order=True)
    )
    timed = once.with_columns(pl.from_epoch("hour_ms", "ms").cast(TABLE.schema["hour_utc"]).alias("hour_utc"))
    dated = timed.with_columns(pl.col("hour_utc").dt.date().alias("date"), pl.col("completeness").cast(pl.String))
    return TABLE.conform(dated.select(list(TABLE.schema)))


def _pages(payloads: pl.DataFrame) -> Iterator[_Page]:
    for payload in payloads.iter_rows(named=True):
        request, response = request_of(payload), response_of(payload)
        exchange = adapter(request.exchange)
        try:
            exchange.parse(request, response)
            follows = exchange.next_page(request, response)
        except ExchangeError:
            continue
        yield _Page(request, response.received_ms, follows.key if follows else None, payload["source"])


def _hours(pages: Sequence[_Page]) -> Iterator[CoveredHour]:
    """Each hour that the pages of one window cover, at least once."""
    led_to = {page.follows for page in pages}
    for first in (page for page in pages if page.request.key not in led_to):
        last = _last(first, pages)
        asked, known = first.request, feed(first.request.exchange, first.request.endpoint)
        if last is None or asked.start_ms is None or asked.end_ms is None:
            continue
        kept_ms = asked.start_ms if known.retention is None else last.received_ms - known.retention // timedelta(milliseconds=1)
        begin = -(-max(asked.start_ms, kept_ms) // _HOUR_MS) * _HOUR_MS
        for hour_ms in range(begin + _HOUR_MS, min(asked.end_ms, first.received_ms) + 1, _HOUR_MS):
            yield CoveredHour(asked.exchange, asked.instrument, hour_ms, known.completeness, first.source)


def _last(first: _Page, pages: Sequence[_Page]) -> _Page | None:
    """The page that ends what `first` begins; None where one lacks, or leads back."""
    page, seen = first, {first.request.key}
    while page.follows is not None:
        later = (p for p in pages if p.request.key == page.follows and p.received_ms >= page.received_ms)
        found = next(later, None)
        if found is None or found.request.key in seen:
            return None
        seen.add(found.request.key)
        page = found
    return page
