"""core.realised_coverage: of which hours a venue's list of realised liquidations was read in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from expectations.tables import table
from transforms.exchanges import adapter
from transforms.exchanges.imported import is_complete, is_imported
from transforms.exchanges.protocol import ExchangeError, Request
from transforms.exchanges.replay import carrying, request_of, response_of
from transforms.liquidation_feeds import feed
from transforms.listed import listed

TABLE = table("realised_coverage")
_HOUR_MS = 3_600_000
_Row = tuple[str, str | None, int, str, str]  # exchange, instrument, hour_ms, completeness, source


@dataclass(frozen=True)
class _Page:
    """One answer that is data: what was asked, when it came, and the page that it says is next."""

    request: Request
    received_ms: int
    follows: str | None
    source: str


def build(payloads: pl.DataFrame, instruments: pl.DataFrame) -> pl.DataFrame:
    """The hours that end within a window of which every page was answered, once each.

    An answer says nothing of what had not happened when it came, nor of what the venue had forgotten by then: asked of
    last week, OKX answers that nothing happened. A venue that only streams its liquidations has no hours. Of an import
    the hours count that its importer said to be complete, where the venue's own list was not read.
    """
    windows: dict[tuple[str, str | None, int | None, int | None], list[_Page]] = {}
    for page in _pages(payloads.filter(~is_imported())):
        asked = page.request
        windows.setdefault((asked.exchange, asked.instrument, asked.start_ms, asked.end_ms), []).append(page)
    rows = [row for pages in windows.values() for row in _hours(pages)] + list(_imported_hours(payloads))
    schema = {"exchange": pl.String, "instrument": pl.String, "hour_ms": pl.Int64, "completeness": pl.String}
    covered = pl.DataFrame(rows, schema=schema | {"source": pl.String}, orient="row")
    once = covered.unique(["exchange", "instrument", "hour_ms"], keep="first", maintain_order=True)
    known = once.join(listed(instruments).select("exchange", "instrument", "coin"), on=["exchange", "instrument"])
    timed = known.with_columns(pl.from_epoch("hour_ms", "ms").cast(TABLE.schema["hour_utc"]).alias("hour_utc"))
    return TABLE.conform(timed.with_columns(pl.col("hour_utc").dt.date().alias("date")).select(list(TABLE.schema)))


def _imported_hours(payloads: pl.DataFrame) -> Iterator[_Row]:
    """The latest import first."""
    own = carrying(payloads.filter(is_imported()), "realised_liquidations")
    for payload in own.reverse().iter_rows(named=True):
        asked = request_of(payload)
        if is_complete(asked) and asked.start_ms is not None and asked.end_ms is not None:
            for hour_ms in range(asked.start_ms + _HOUR_MS, asked.end_ms + 1, _HOUR_MS):
                yield asked.exchange, asked.instrument, hour_ms, "complete", payload["source"]


def _pages(payloads: pl.DataFrame) -> Iterator[_Page]:
    for payload in carrying(payloads, "realised_liquidations").iter_rows(named=True):
        request, response = request_of(payload), response_of(payload)
        venue = adapter(request.exchange)
        try:
            venue.parse(request, response)
            follows = venue.follow(request, response)
        except ExchangeError:
            continue
        yield _Page(request, response.received_ms, follows.key if follows else None, payload["source"])


def _hours(pages: Sequence[_Page]) -> Iterator[_Row]:
    """A row for each hour that the pages of one window cover, at least once."""
    led_to = {page.follows for page in pages}
    for first in (page for page in pages if page.request.key not in led_to):
        last = _last(first, pages)
        asked, known = first.request, feed(first.request.exchange)
        if last is None or asked.start_ms is None or asked.end_ms is None:
            continue
        kept_ms = asked.start_ms if known.kept is None else last.received_ms - known.kept // timedelta(milliseconds=1)
        begin = -(-max(asked.start_ms, kept_ms) // _HOUR_MS) * _HOUR_MS
        for hour_ms in range(begin + _HOUR_MS, min(asked.end_ms, first.received_ms) + 1, _HOUR_MS):
            yield asked.exchange, asked.instrument, hour_ms, known.completeness, first.source


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
