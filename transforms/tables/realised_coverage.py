"""core.realised_coverage: hours in which an exchange's realised liquidations were fetched or streamed in full."""

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
from transforms.hourly.hours import HOUR_MS
from transforms.reference.latest import listed

TABLE = table("realised_coverage")
_COVERED = {
    "exchange": pl.String(),
    "instrument": pl.String(),  # null: every contract of the exchange
    "hour_ms": pl.Int64(),
    "completeness": pl.Enum(BEST_FIRST),
    "source": pl.String(),
}
# The exchange's own data wins unless it is only a sample: then a complete import comes first.
_BEST_FIRST = (pl.col("completeness") == "sampled", is_imported(), "completeness")


@dataclass(frozen=True)
class _Page:
    """One page of data: its request, when it arrived, and the key of the page that it links to."""

    request: Request
    received_ms: int
    follows: str | None
    source: str


def build(payloads: pl.DataFrame, instruments: pl.DataFrame) -> pl.DataFrame:
    """Return each covered hour once: fetched with every page of its window, streamed, or imported as complete.

    A response covers neither hours that ended after it arrived nor hours older than the exchange's retention: asked for
    last week, OKX returns an empty list. An import that its importer declared complete counts where the exchange's own
    data is at most a sample.
    """
    stored = carrying(payloads, "realised_liquidations")
    streamed = pl.col("endpoint") == recording.ENDPOINT
    windows: dict[tuple[str, str | None, int | None, int | None], list[_Page]] = {}
    for page in _pages(stored.filter(~streamed & ~is_imported())):
        own = page.request
        windows.setdefault((own.exchange, own.instrument, own.start_ms, own.end_ms), []).append(page)
    hours = [hour for pages in windows.values() for hour in _hours(pages)]
    hours += [*listened_hours(stored.filter(streamed)), *imported_hours(stored.filter(is_imported()))]
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
    """Yield each hour that the pages of one window cover, at least once."""
    linked = {page.follows for page in pages}
    for first in (page for page in pages if page.request.key not in linked):
        last = _follow_to_last(first, pages)
        asked, known = first.request, feed(first.request.exchange, first.request.endpoint)
        if last is None or asked.start_ms is None or asked.end_ms is None:
            continue
        kept_ms = last.received_ms - known.retention // timedelta(milliseconds=1) if known.retention else asked.start_ms
        begin = -(-max(asked.start_ms, kept_ms) // HOUR_MS) * HOUR_MS
        for hour_ms in range(begin + HOUR_MS, min(asked.end_ms, first.received_ms) + 1, HOUR_MS):
            yield CoveredHour(asked.exchange, asked.instrument, hour_ms, known.completeness, first.source)


def _follow_to_last(first: _Page, pages: Sequence[_Page]) -> _Page | None:
    """Follow the links from `first` to the last page; None where a page is missing or links back."""
    page, seen = first, {first.request.key}
    while page.follows is not None:
        later = (p for p in pages if p.request.key == page.follows and p.received_ms >= page.received_ms)
        found = next(later, None)
        if found is None or found.request.key in seen:
            return None
        seen.add(found.request.key)
        page = found
    return page
