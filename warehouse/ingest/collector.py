"""The collector of one exchange: it fetches missing data and stores every answer as received, before it is parsed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import polars as pl
from filelock import FileLock

from expectations.tables import table
from transforms.exchanges import adapter
from transforms.exchanges.parsing.rows import Rows
from transforms.exchanges.protocol import SERIES, Adapter, Instrument, Request
from transforms.exchanges.replay import rows
from transforms.hourly.hours import HOUR, HOUR_MS
from transforms.tables.gaps import FAILED
from warehouse.clock import days, from_ms, hours, to_ms
from warehouse.ingest.client import ExchangeClient, Fetched
from warehouse.ingest.exchanges import ExchangeEndpoints
from warehouse.ingest.request_log import EVER, RequestLog, request_key
from warehouse.ingest.streams.recordings import store_recordings
from warehouse.plan import Plan
from warehouse.progress import Progress
from warehouse.storage import quarantine
from warehouse.storage.store import Store

PAYLOADS, GAPS, LEDGER = table("payloads"), table("gaps"), table("position_ledger")
LOOK_BACK = timedelta(days=7)
"""The age up to which failed hours are requested again."""

_SNAPSHOT_WITHIN = timedelta(minutes=15)
_LATE_BY = timedelta(hours=3)  # after an answer an exchange may still add the last rows of an hour
_SIMULATOR_FACTOR = 1000  # of the exchange's budgets
_NEVER = datetime(9999, 1, 1)


@dataclass(frozen=True)
class Window:
    """A range within one day, requested at once: bars that open in it, readings after its start up to its end."""

    start: datetime
    end: datetime


@contextmanager
def collecting(
    store: Store, exchange: str, source: str, endpoints: ExchangeEndpoints, bar_minutes: int, progress: Progress
) -> Iterator[Collector]:
    """Yield a collector with one client for the whole block, so that bans and pauses stay in force.

    The client keeps within the exchange's limits; the simulator has none.
    """
    simulated = endpoints.url is not None and endpoints.base_urls.get(exchange) == endpoints.url
    budgets = adapter(exchange).BUDGETS
    paced = [replace(b, capacity=b.capacity * _SIMULATOR_FACTOR) for b in budgets] if simulated else budgets
    with ExchangeClient(endpoints.base_urls, paced, clock=endpoints.clock) as client:
        yield Collector(store, exchange, source, endpoints, bar_minutes, progress, client)


@dataclass(frozen=True)
class Collector:
    """A collector of one exchange from one source into one warehouse."""

    store: Store
    exchange: str
    source: str
    endpoints: ExchangeEndpoints
    bar_minutes: int
    progress: Progress
    client: ExchangeClient

    @property
    def adapter(self) -> Adapter:
        """The exchange's adapter."""
        return adapter(self.exchange)

    @property
    def request_log(self) -> RequestLog:
        """The log of the exchange's requests."""
        return RequestLog(self.store, self.exchange, self.source)

    def metadata(self, coins: tuple[str, ...]) -> Counter[str]:
        """Fetch instruments and tiers, once a day. Returns the number of requests by outcome."""
        listing = [r for r in self.adapter.metadata(None) if r.endpoint == "instruments"]
        self.progress.stage(f"list {self.exchange}", len(listing), "requests")
        outcomes = self._fetch(listing, self.endpoints.now.date())
        # an exchange may refuse a whole request for one unknown coin
        known = sorted({i.coin for i in self.contracts(coins)})
        tiers = [r for r in self.adapter.metadata(known) if r.endpoint != "instruments"]
        self.progress.stage(f"tiers {self.exchange}", len(tiers), "requests")
        return outcomes + self._fetch(tiers, self.endpoints.now.date())

    def collect(self, plan: Plan, metadata: Counter[str] | None = None) -> Counter[str]:
        """Fetch the data for the hours of `plan` and earlier failed ones; instruments must be stored before.

        metadata: outcomes of the metadata requests, which are counted with these. Returns the number of requests by
        outcome.
        """
        outcomes = Counter(metadata)
        contracts = self.contracts(plan.coins)
        missing = self._missing(plan, contracts)
        windows = [(w, self._series_requests(contracts, w)) for w in self._windows(plan, missing)]
        is_now = abs(self.endpoints.now - plan.last_hour) <= _SNAPSHOT_WITHIN
        snapshot = self.adapter.snapshot(contracts) if is_now else []
        count = sum(len(requests) for _, requests in windows) + len(snapshot)
        self.progress.stage(f"collect {self.exchange}", count, "requests")
        # so recent that the exchange may have published them after its last answer
        late = missing.filter(pl.col("hour_utc") > self.endpoints.now - _LATE_BY)["hour_utc"].to_list()
        with self._lock():
            store_recordings(self.store, self.exchange, self.source, plan.last_hour, self.endpoints.now)
        for window, requests in windows:
            self._record_unrequested(window, requests, plan)
        outcomes += self._fetch_monthly_files(windows)
        for window, requests in windows:
            day = window.start.date()
            refetch = self._has_quarantined_core(day) or any(window.start < h <= window.end for h in late)
            answered = set() if refetch else self._find_in_monthly_files(requests, day)
            remaining = [r for r in requests if r not in answered]
            outcomes += self._fetch(remaining, day, since=_NEVER if refetch else EVER)
        return outcomes + self._fetch(snapshot, self.endpoints.now.date(), since=plan.last_hour)

    def _record_unrequested(self, window: Window, requests: Collection[Request], plan: Plan) -> None:
        """Record hours that no request names, because there are only requests for files, or none: they may be gaps."""
        if any(not request.endpoint.startswith("archive_") for request in requests):
            return
        start_ms, end_ms = to_ms(window.start), to_ms(window.end)
        named = (("coins", ",".join(plan.coins)), ("start", str(start_ms)), ("end", str(end_ms)))
        hours = Request(self.exchange, "hours", "", named, start_ms=start_ms, end_ms=end_ms)
        reason = "daily files cover them" if requests else "no contract is listed for these coins"
        with self._lock():
            self.request_log.append_unrequested(hours, window.start.date(), reason, to_ms(self.endpoints.now))

    def _lock(self) -> FileLock:
        """Return the exchange's lock, so that no two collectors write the same files; hold it for one day at a time."""
        return FileLock(self.store.root / f".lock.{self.exchange}")

    def _series_requests(self, contracts: list[Instrument], window: Window) -> list[Request]:
        """Request the archive's files once REST no longer serves the window, unless REST answered it earlier."""
        start_ms, end_ms, now_ms = (to_ms(moment) for moment in (window.start, window.end, self.endpoints.now))
        requests = self.adapter.history(contracts, start_ms, end_ms, bar_minutes=self.bar_minutes)
        files = self.adapter.archive_requests(contracts, start_ms, end_ms, now_ms=now_ms, bar_minutes=self.bar_minutes)
        if not files or self.request_log.completed(window.start.date()).issuperset(map(request_key, requests)):
            return requests
        return files

    def contracts(self, coins: tuple[str, ...]) -> list[Instrument]:
        """Return the exchange's linear contracts on `coins`, as last listed; none if it has never answered."""
        stored = self.store.keys(PAYLOADS, exchange=self.exchange)
        for key in reversed(stored):
            listing = self.store.read(PAYLOADS, [key]).filter(pl.col("endpoint") == "instruments")
            listed = rows(listing, "instruments")
            if not listed.is_empty():
                return _instruments(self.exchange, listed, coins)
        return []

    def _windows(self, plan: Plan, missing: pl.DataFrame) -> list[Window]:
        """Return the plan's hours, and earlier failed or skipped ones, as ranges within a day."""
        wanted = {*plan.hours, *skipped_hours(self.store, plan), *_failed_hours(plan, missing)}
        return list(_ranges(sorted(wanted)))

    def _has_quarantined_core(self, day: date) -> bool:
        """Return whether core rows of the day are in quarantine: the day is then fetched again."""
        return quarantine.holds_core_of(self.store.root, day)

    def _missing(self, plan: Plan, contracts: list[Instrument]) -> pl.DataFrame:
        """Return the gaps of the contracts' coins, from a week before the plan's hours on."""
        since = plan.first_hour - LOOK_BACK
        span = list(days(since.date(), plan.last_hour.date()))
        keys = [{"coin": coin, "date": day} for coin in sorted({c.coin for c in contracts}) for day in span]
        own = (pl.col("exchange") == self.exchange) & (pl.col("state") == "missing")
        return self.store.read(GAPS, keys).filter(own & (pl.col("hour_utc") >= since))

    def _fetch(self, requests: Iterable[Request], day: date, *, since: datetime = EVER) -> Counter[str]:
        """Fetch the requests without an answer `since`, and store every response and outcome of the exchange's day."""
        with self._lock():
            return self._fetch_locked(list(requests), day, since)

    def _fetch_locked(self, requests: list[Request], day: date, since: datetime) -> Counter[str]:
        new = self.request_log.missing(requests, day, since)
        self.progress.grow(len(new) - len(requests))
        if not new:
            return Counter()
        fetched = list(self.client.fetch(new, self.adapter, on_done=self._report))
        further = [
            request
            for f in fetched
            if _lacks_first_hour(f) and (request := self.adapter.coarser_period(f.request)) is not None
        ]
        further += [each for f in fetched if f.outcome == "not_found" for each in self.adapter.fallback(f.request)]
        self.progress.grow(len(dict.fromkeys(further)))
        fetched += self.client.fetch(further, self.adapter, on_done=self._report)
        self.request_log.append(fetched, day)
        return Counter(f.outcome for f in fetched)

    def _report(self, fetched: Fetched) -> None:
        start_ms = fetched.request.start_ms
        if fetched.page:  # a further page, unknown when the stage began
            self.progress.grow(1)
        day = f"{from_ms(start_ms):%Y-%m-%d} " if start_ms is not None else ""
        self.progress.step(day + fetched.request.endpoint, rows=fetched.row_count)

    def _fetch_monthly_files(self, windows: list[tuple[Window, list[Request]]]) -> Counter[str]:
        """Fetch the monthly files that replace missing daily ones; they are stored with the month's first day."""
        months: dict[date, dict[Request, None]] = {}
        for window, requests in windows:
            day = window.start.date()
            if not self._has_quarantined_core(day) and (files := self._monthly_files(requests, day)):
                months.setdefault(day.replace(day=1), {}).update(dict.fromkeys(files.values()))
        self.progress.grow(sum(len(files) for files in months.values()))
        return sum((self._fetch(files, first) for first, files in months.items()), Counter())

    def _monthly_files(self, requests: Iterable[Request], day: date) -> dict[Request, Request]:
        """Return the monthly file for each daily file without an answer."""
        now_ms = to_ms(self.endpoints.now)
        monthly = {r: month for r in requests if (month := self.adapter.monthly_file(r, now_ms=now_ms)) is not None}
        completed = self.request_log.completed(day) if monthly else set()
        return {r: month for r, month in monthly.items() if request_key(r) not in completed}

    def _find_in_monthly_files(self, requests: Iterable[Request], day: date) -> set[Request]:
        """Return the requests that a complete monthly file answers, and record them as answered.

        A monthly file without some bar counts for no day: the daily files, or REST, may have that bar.
        """
        months = self._monthly_files(requests, day)
        if not months:
            return set()
        complete = self.request_log.complete_files(months.values(), day.replace(day=1), self.bar_minutes)
        answered = [request for request, month in months.items() if month in complete]
        with self._lock():
            self.request_log.append_in_monthly_file(answered, day, to_ms(self.endpoints.now))
        self.progress.grow(-len(answered))
        return set(answered)


def skipped_hours(store: Store, plan: Plan) -> list[datetime]:
    """Return the hours between the last published one and the plan's first that no run covered, up to LOOK_BACK ago.

    The plan's coin that is farthest behind decides. Empty if the plan does not retry failed hours.
    """
    if not plan.retry_failed:
        return []
    names = plan.named_coins or sorted({str(key["coin"]) for key in store.keys(LEDGER)})
    newest = [store.keys(LEDGER, coin=name)[-1:] for name in names]
    until = [max(store.read(LEDGER, keys, ["hour_utc"])["hour_utc"].to_list()) for keys in newest if keys]
    first = max(min(until) + HOUR, plan.first_hour - LOOK_BACK) if until else plan.first_hour
    return list(hours(first, plan.first_hour - HOUR))


def _failed_hours(plan: Plan, missing: pl.DataFrame) -> set[datetime]:
    """Return earlier hours with failed requests, and the last few, to which an exchange may still add rows."""
    if not plan.retry_failed:
        return set()
    gaps = missing.filter(pl.col("hour_utc") < plan.first_hour)
    late = pl.col("hour_utc") >= plan.first_hour - _LATE_BY
    return set(gaps.filter(late | pl.col("reason").str.contains(FAILED))["hour_utc"].to_list())


def _lacks_first_hour(fetched: Fetched) -> bool:
    """Return whether the answer lacks the first requested hour: the exchange no longer has all of the window."""
    if fetched.rows is None or fetched.request.start_ms is None or fetched.page:
        return False
    timed = [found for series, found in fetched.rows.items() if "time_ms" in SERIES[series]]
    times = [time for found in timed for time in Rows.gathered(("time_ms",), found).columns["time_ms"]]
    return not times or min(times) > fetched.request.start_ms + HOUR_MS


def _instruments(exchange: str, listed: pl.DataFrame, coins: tuple[str, ...]) -> list[Instrument]:
    newest = listed.unique("instrument", keep="last", maintain_order=True)
    wanted = newest.filter((pl.col("kind") == "linear") & (pl.col("status") == "trading")).sort("instrument")
    if coins != ("all",):
        wanted = wanted.filter(pl.col("coin").is_in(list(coins)))
    return [
        Instrument(exchange, row["instrument"], row["coin"], row["kind"], row["contract_base"] or 1.0)
        for row in wanted.iter_rows(named=True)
    ]


def _ranges(wanted: list[datetime]) -> Iterator[Window]:
    """Yield runs of consecutive hours as windows that start an hour earlier, cut at midnight."""
    start = end = None
    for hour in wanted:
        if end is not None and start is not None and (hour - HOUR != end or end.hour == 0):
            yield Window(start, end)
            start = None
        start, end = start or hour - HOUR, hour
    if start is not None and end is not None:
        yield Window(start, end)
