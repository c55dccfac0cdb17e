"""The log of requests to an exchange and their outcomes, by day: a request with a final answer is not sent again."""

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
"""Selects rows of ops.fetches that a monthly file, stored with the month's first day, answers."""

_TICK = timedelta(milliseconds=1)
_ATTRIBUTES = ("endpoint", "instrument", "window_start_utc", "window_end_utc")
_ANSWER = pl.col("outcome").is_in(["ok", "not_found"])  # "not_found" is final: the data will not come


@dataclass(frozen=True)
class RequestLog:
    """One exchange's requests in one warehouse; `source` is stored with each payload."""

    store: Store
    exchange: str
    source: str

    def completed(self, day: date, since: datetime = EVER) -> set[tuple[object, ...]]:
        """Return the keys (endpoint, request) of a day's requests with a final answer, sent at or after `since`."""
        logged = self._logged(day).filter(_ANSWER & (pl.col("sent_at_utc") >= since))
        return set(self._still_stored(logged, day).select("endpoint", "request").iter_rows())

    def missing(self, requests: Iterable[Request], day: date, since: datetime = EVER) -> list[Request]:
        """Return the requests without an answer `since`, and those with a later page that failed."""
        completed = self.completed(day, since)
        cut_short = set(self._logged(day).filter(~_ANSWER).select(_ATTRIBUTES).iter_rows())
        return [r for r in requests if request_key(r) not in completed or _attributes(r) in cut_short]

    def complete_files(self, files: Iterable[Request], day: date, bar_minutes: int) -> set[Request]:
        """Return the files of bars, stored with `day`, that have every bar of their window."""
        covered = pl.duration(minutes=pl.col("rows") * bar_minutes)
        complete = pl.col("window_end_utc") - pl.col("window_start_utc") == covered
        logged = self._still_stored(self._logged(day).filter((pl.col("outcome") == "ok") & complete), day)
        attributes = set(logged.select(_ATTRIBUTES).iter_rows())
        return {file for file in files if _attributes(file) in attributes}

    def append(self, fetched: list[Fetched], day: date) -> None:
        """Store every response and every outcome. Payloads go first: outcome `ok` promises that they are stored."""
        key = {"exchange": self.exchange, "date": day}
        bodies = [(f.request, sent_ms, response) for f in fetched for sent_ms, response in f.responses]
        if bodies:
            new = payloads.build(bodies, source=self.source).with_columns(pl.lit(day).alias("date"))
            stored = self.store.read(PAYLOADS, [key])
            both = pl.concat([stored, move_after(stored, new)])
            self.store.write(PAYLOADS, both.unique(PAYLOADS.grain, keep="last", maintain_order=True), key)
        outcomes = fetches.build(_outcome(f) for f in fetched).with_columns(pl.lit(day).alias("date"))
        merged = pl.concat([self._logged(day), outcomes]).unique(FETCHES.grain, keep="last", maintain_order=True)
        self.store.write(FETCHES, merged, key)

    def append_in_monthly_file(self, files: Iterable[Request], day: date, now_ms: int) -> None:
        """Record that a monthly file answers for these daily ones."""
        recorded = set(self._logged(day).filter(IN_A_MONTH).select("endpoint", "request").iter_rows())
        new = [Fetched(r, "ok", "", 0, now_ms, now_ms, None, None, ()) for r in files if request_key(r) not in recorded]
        if new:
            self.append(new, day)

    def append_unrequested(self, hours: Request, day: date, reason: str, now_ms: int) -> None:
        """Record, once, planned hours that no request covers."""
        if request_key(hours) not in set(self._logged(day).select("endpoint", "request").iter_rows()):
            self.append([Fetched(hours, "not_asked", reason, 0, now_ms, now_ms, None, None, ())], day)

    def _logged(self, day: date) -> pl.DataFrame:
        return self.store.read(FETCHES, [{"exchange": self.exchange, "date": day}])

    def _still_stored(self, logged: pl.DataFrame, day: date) -> pl.DataFrame:
        """Drop requests with a payload that was lost: they have no answer."""
        key = {"exchange": self.exchange, "date": day}
        stored = self.store.read(PAYLOADS, [key], ["endpoint", "request"])
        return logged.join(stored, on=["endpoint", "request"], how="semi")


def request_key(request: Request) -> tuple[object, ...]:
    """Return the key of a request among those of its day."""
    return (request.endpoint, request.key)


def _attributes(request: Request) -> tuple[object, ...]:
    """Return the attributes that a request shares with its later pages: if one fails, the first is sent again."""
    ends = (None if ms is None else from_ms(ms) for ms in (request.start_ms, request.end_ms))
    return (request.endpoint, request.instrument, *ends)


def move_after(stored: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Return `new` answers, with receipt times moved past the stored ones if a clock was set back.

    Ranges overlap and the latest answer counts, so an answer must not be earlier than those stored before it.
    """
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
