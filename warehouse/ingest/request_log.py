"""What was asked of an exchange and came of it, a day at a time: kept as it came, and known when it is asked again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from expectations.tables import table
from transforms.exchanges.protocol import Request
from transforms.tables import fetches, payloads
from warehouse.clock import from_ms
from warehouse.ingest.client import Fetched
from warehouse.storage.store import Store

PAYLOADS, FETCHES = table("payloads"), table("fetches")
EVER = datetime(1970, 1, 1)
IN_A_MONTH = pl.col("endpoint").str.starts_with("archive_") & (pl.col("outcome") == "ok") & (pl.col("attempts") == 0)
"""Of ops.fetches: what a file of the month, stored on its first day, answers for a day."""

_TICK = timedelta(milliseconds=1)
_ATTRIBUTES = ("endpoint", "instrument", "window_start_utc", "window_end_utc")
_ANSWER = pl.col("outcome").is_in(["ok", "not_found"])  # what was not found will not come


@dataclass(frozen=True)
class RequestLog:
    """One exchange's, in one warehouse; `source` says where they come from."""

    store: Store
    exchange: str
    source: str

    def completed(self, day: date, since: datetime = EVER) -> set[tuple[object, ...]]:
        """The questions (endpoint, request) of a day that were answered `since`, for good."""
        known = self._known(day).filter(_ANSWER & (pl.col("sent_at_utc") >= since))
        return set(self._still_stored(known, day).select("endpoint", "request").iter_rows())

    def missing(self, asked: Iterable[Request], day: date, since: datetime = EVER) -> list[Request]:
        """What was not answered `since`, and what was followed by a page that failed."""
        given = self.completed(day, since)
        cut_short = set(self._known(day).filter(~_ANSWER).select(_ATTRIBUTES).iter_rows())
        return [r for r in asked if question(r) not in given or _attributes(r) in cut_short]

    def complete_files(self, files: Iterable[Request], day: date, bar_minutes: int) -> set[Request]:
        """Those of the files of bars, stored with that day, that came with every bar of their span."""
        told = pl.duration(minutes=pl.col("rows") * bar_minutes)
        every = pl.col("window_end_utc") - pl.col("window_start_utc") == told
        known = self._still_stored(self._known(day).filter((pl.col("outcome") == "ok") & every), day)
        about = set(known.select(_ATTRIBUTES).iter_rows())
        return {file for file in files if _attributes(file) in about}

    def append(self, fetched: list[Fetched], day: date) -> None:
        """Stores every response and every outcome. Payloads first: one that is `ok` promises that they are there."""
        key = {"exchange": self.exchange, "date": day}
        bodies = [(f.request, sent_ms, response) for f in fetched for sent_ms, response in f.responses]
        if bodies:
            new = payloads.build(bodies, source=self.source).with_columns(pl.lit(day).alias("date"))
            stored = self.store.read(PAYLOADS, [key])
            both = pl.concat([stored, after(stored, new)])
            self.store.write(PAYLOADS, both.unique(PAYLOADS.grain, keep="last", maintain_order=True), key)
        outcomes = fetches.build(_outcome(f) for f in fetched).with_columns(pl.lit(day).alias("date"))
        merged = pl.concat([self._known(day), outcomes]).unique(FETCHES.grain, keep="last", maintain_order=True)
        self.store.write(FETCHES, merged, key)

    def note_in_a_month(self, files: Iterable[Request], day: date, now_ms: int) -> None:
        """Notes that a file of the month answers for these of the day."""
        noted = set(self._known(day).filter(IN_A_MONTH).select("endpoint", "request").iter_rows())
        new = [Fetched(r, "ok", "", 0, now_ms, now_ms, None, None, ()) for r in files if question(r) not in noted]
        if new:
            self.append(new, day)

    def note(self, hours: Request, day: date, reason: str, now_ms: int) -> None:
        """Note once that hours are wanted of which no request speaks."""
        if question(hours) not in set(self._known(day).select("endpoint", "request").iter_rows()):
            self.append([Fetched(hours, "not_asked", reason, 0, now_ms, now_ms, None, None, ())], day)

    def _known(self, day: date) -> pl.DataFrame:
        return self.store.read(FETCHES, [{"exchange": self.exchange, "date": day}])

    def _still_stored(self, known: pl.DataFrame, day: date) -> pl.DataFrame:
        """An answer that was lost is none."""
        key = {"exchange": self.exchange, "date": day}
        stored = self.store.read(PAYLOADS, [key], ["endpoint", "request"])
        return known.join(stored, on=["endpoint", "request"], how="semi")


def question(request: Request) -> tuple[object, ...]:
    """What tells one question of a day from another."""
    return (request.endpoint, request.key)


def _attributes(request: Request) -> tuple[object, ...]:
    """What a request shares with the pages that follow it: one that failed is only found again from the first."""
    ends = (None if ms is None else from_ms(ms) for ms in (request.start_ms, request.end_ms))
    return (request.endpoint, request.instrument, *ends)


def after(stored: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """`new` answers, all later than what is stored: the latest counts, ranges overlap, and clocks are set back."""
    last, first = stored["received_at_utc"].max(), new["received_at_utc"].min()
    if not isinstance(last, datetime) or not isinstance(first, datetime) or first > last:
        return new
    return new.with_columns(pl.col("received_at_utc") + (last - first + _TICK))


def _outcome(fetched: Fetched) -> dict[str, object]:
    request = fetched.request
    return {
        "exchange": request.exchange,
        "endpoint": request.endpoint,
        "request": request.key,
        "instrument": request.instrument,
        "window_start_utc": request.start_ms,
        "window_end_utc": request.end_ms,
        "sent_at_utc": fetched.sent_ms,
        "outcome": fetched.outcome,
        "status": fetched.response.status if fetched.response else None,
        "reason": fetched.reason,
        "attempts": fetched.attempts,
        "rows": fetched.row_count,
        "bytes": sum(len(r.body) for _, r in fetched.responses),
        "elapsed_ms": max(fetched.received_ms - fetched.sent_ms, 0),
    }
