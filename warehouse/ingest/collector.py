"""Asking one exchange: what is not yet stored is fetched, and stored as it came before anything is made of it."""

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
from transforms.tables.gaps import FAILED
from warehouse.clock import HOUR, days, from_ms, hours, to_ms
from warehouse.ingest.client import ExchangeClient, Fetched
from warehouse.ingest.exchanges import ExchangeEndpoints
from warehouse.ingest.request_log import EVER, RequestLog, question
from warehouse.ingest.streams.recordings import take_in
from warehouse.plan import Plan
from warehouse.progress import Progress
from warehouse.storage import quarantine
from warehouse.storage.store import Store

PAYLOADS, GAPS, BOOKS = table("payloads"), table("gaps"), table("position_ledger")
LOOK_BACK = timedelta(days=7)
"""How far back an hour that failed is asked for again."""

_SNAPSHOT_WITHIN = timedelta(minutes=15)
_LATE_BY = timedelta(hours=3)  # an exchange that had answered may still add the last buckets of an hour
_OWN_SERVER = 1000
_NEVER = datetime(9999, 1, 1)
_HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Window:
    """A range of one day that is asked for at once: bars that open in it, readings after its start up to its end."""

    start: datetime
    end: datetime


@contextmanager
def collecting(
    store: Store, exchange: str, source: str, served: ExchangeEndpoints, bar_minutes: int, progress: Progress
) -> Iterator[Collector]:
    """A collector with one client for as long as the block lasts, so that a ban or a pause is remembered.

    It keeps within the exchange's limits; a server of ours has none to respect.
    """
    own = served.url is not None and served.base_urls.get(exchange) == served.url
    budgets = adapter(exchange).BUDGETS
    paced = [replace(b, capacity=b.capacity * _OWN_SERVER) for b in budgets] if own else budgets
    with ExchangeClient(served.base_urls, paced, clock=served.clock) as client:
        yield Collector(store, exchange, source, served, bar_minutes, progress, client)


@dataclass(frozen=True)
class Collector:
    """One exchange, one source, one warehouse."""

    store: Store
    exchange: str
    source: str
    served: ExchangeEndpoints
    bar_minutes: int
    progress: Progress
    client: ExchangeClient

    @property
    def adapter(self) -> Adapter:
        """The exchange's."""
        return adapter(self.exchange)

    @property
    def answers(self) -> RequestLog:
        """What the exchange has answered."""
        return RequestLog(self.store, self.exchange, self.source)

    def metadata(self, coins: tuple[str, ...]) -> Counter[str]:
        """Fetches instruments and tiers, once a day. Returns how many requests came out how."""
        listing = [r for r in self.adapter.metadata(None) if r.endpoint == "instruments"]
        outcomes = self._fetch(listing, self.served.now.date())
        # an exchange may refuse a request whole for one coin that it does not know
        known = sorted({i.coin for i in self.contracts(coins)})
        tiers = [r for r in self.adapter.metadata(known) if r.endpoint != "instruments"]
        return outcomes + self._fetch(tiers, self.served.now.date())

    def collect(self, plan: Plan, metadata: Counter[str] | None = None) -> Counter[str]:
        """Fetch what the hours of `plan`, and earlier ones that failed, need; instruments must be known.

        metadata: the outcomes of the requests for metadata, which are counted with these.
        """
        outcomes = Counter(metadata)
        contracts = self.contracts(plan.coins)
        missing = self._missing(plan, contracts)
        windows = [(w, self._series_requests(contracts, w)) for w in self._windows(plan, missing)]
        is_now = abs(self.served.now - plan.last_hour) <= _SNAPSHOT_WITHIN
        snapshot = self.adapter.snapshot(contracts) if is_now else []
        count = sum(len(asked) for _, asked in windows) + len(snapshot)
        self.progress.stage(f"collect {self.exchange}", outcomes.total() + count, "requests")
        self.progress.step("metadata", outcomes.total())
        # so recent that the exchange may have them now: what it had answered was too early to count
        late = missing.filter(pl.col("hour_utc") > self.served.now - _LATE_BY)["hour_utc"].to_list()
        with self._alone():
            take_in(self.store, self.exchange, self.source, plan.last_hour, self.served.now)
        for window, asked in windows:
            self._note_hours(window, asked, plan)
        outcomes += self._fetch_months(windows)
        for window, asked in windows:
            day = window.start.date()
            doubted = self._has_quarantined_core(day) or any(window.start < h <= window.end for h in late)
            held = set() if doubted else self._held_by_months(asked, day)
            left = [r for r in asked if r not in held]
            outcomes += self._fetch(left, day, since=_NEVER if doubted else EVER)
        return outcomes + self._fetch(snapshot, self.served.now.date(), since=plan.last_hour)

    def _note_hours(self, window: Window, asked: Collection[Request], plan: Plan) -> None:
        """Note hours that no request names, because only files were asked for, or nothing: they may be gaps too."""
        if any(not request.endpoint.startswith("archive_") for request in asked):
            return
        start_ms, end_ms = to_ms(window.start), to_ms(window.end)
        named = (("coins", ",".join(plan.coins)), ("start", str(start_ms)), ("end", str(end_ms)))
        hours = Request(self.exchange, "hours", "", named, start_ms=start_ms, end_ms=end_ms)
        reason = "files of the day answer for them" if asked else "no contract is known to ask about"
        with self._alone():
            self.answers.note(hours, window.start.date(), reason, to_ms(self.served.now))

    def _alone(self) -> FileLock:
        """One collector an exchange, or two would write the same files; a day at a time, so that none waits for long."""
        return FileLock(self.store.root / f".lock.{self.exchange}")

    def _series_requests(self, contracts: list[Instrument], window: Window) -> list[Request]:
        """Of the exchange's files where it has no more than those, unless it had answered itself while it could."""
        start_ms, end_ms, now_ms = (to_ms(moment) for moment in (window.start, window.end, self.served.now))
        asked = self.adapter.history(contracts, start_ms, end_ms, bar_minutes=self.bar_minutes)
        files = self.adapter.archive_requests(contracts, start_ms, end_ms, now_ms=now_ms, bar_minutes=self.bar_minutes)
        return (
            asked
            if not files or self.answers.completed(window.start.date()).issuperset(map(question, asked))
            else files
        )

    def contracts(self, coins: tuple[str, ...]) -> list[Instrument]:
        """The exchange's linear contracts on `coins`, as last listed; none when the exchange was never reached."""
        stored = self.store.keys(PAYLOADS, exchange=self.exchange)
        for key in reversed(stored):
            listing = self.store.read(PAYLOADS, [key]).filter(pl.col("endpoint") == "instruments")
            listed = rows(listing, "instruments")
            if not listed.is_empty():
                return _instruments(self.exchange, listed, coins)
        return []

    def _windows(self, plan: Plan, missing: pl.DataFrame) -> list[Window]:
        """The plan's hours, and the earlier ones that failed or were left out, as ranges within a day."""
        wanted = {*plan.hours, *skipped_hours(self.store, plan), *_failed(plan, missing)}
        return list(_ranges(sorted(wanted)))

    def _has_quarantined_core(self, day: date) -> bool:
        """Whether core rows of the day were held back: what the exchange had answered does not count as an answer."""
        return quarantine.holds_core_of(self.store.root, day)

    def _missing(self, plan: Plan, contracts: list[Instrument]) -> pl.DataFrame:
        """The gaps of the contracts' coins from a week before the plan's hours on."""
        since = plan.first_hour - LOOK_BACK
        span = list(days(since.date(), plan.last_hour.date()))
        keys = [{"coin": coin, "date": day} for coin in sorted({c.coin for c in contracts}) for day in span]
        own = (pl.col("exchange") == self.exchange) & (pl.col("state") == "missing")
        return self.store.read(GAPS, keys).filter(own & (pl.col("hour_utc") >= since))

    def _fetch(self, asked: Iterable[Request], day: date, *, since: datetime = EVER) -> Counter[str]:
        """Fetches what was not answered `since`; stores every response and every outcome, for one day of the exchange."""
        with self._alone():
            return self._fetch_alone(list(asked), day, since)

    def _fetch_alone(self, every: list[Request], day: date, since: datetime) -> Counter[str]:
        new = self.answers.missing(every, day, since)
        self.progress.grow(len(new) - len(every))
        if not new:
            return Counter()
        fetched = list(self.client.fetch(new, self.adapter, on_done=self._tell))
        longer = [
            request
            for f in fetched
            if _begins_late(f) and (request := self.adapter.coarser_period(f.request)) is not None
        ]
        longer += [each for f in fetched if f.outcome == "not_found" for each in self.adapter.fallback(f.request)]
        self.progress.grow(len(dict.fromkeys(longer)))
        fetched += self.client.fetch(longer, self.adapter, on_done=self._tell)
        self.answers.append(fetched, day)
        return Counter(f.outcome for f in fetched)

    def _tell(self, fetched: Fetched) -> None:
        begins = fetched.request.start_ms
        if fetched.page:  # nobody knew of it before
            self.progress.grow(1)
        about = f"{from_ms(begins):%Y-%m-%d} " if begins is not None else ""
        self.progress.step(about + fetched.request.endpoint, rows=fetched.row_count)

    def _fetch_months(self, windows: list[tuple[Window, list[Request]]]) -> Counter[str]:
        """Files of the months of what files of days would have to be asked for, stored with the month's first day."""
        months: dict[date, dict[Request, None]] = {}
        for window, asked in windows:
            day = window.start.date()
            if not self._has_quarantined_core(day) and (files := self._months(asked, day)):
                months.setdefault(day.replace(day=1), {}).update(dict.fromkeys(files.values()))
        self.progress.grow(sum(len(files) for files in months.values()))
        return sum((self._fetch(files, first) for first, files in months.items()), Counter())

    def _months(self, asked: Iterable[Request], day: date) -> dict[Request, Request]:
        """The file of the month for each file of the day that was not answered itself."""
        now_ms = to_ms(self.served.now)
        longer = {r: month for r in asked if (month := self.adapter.monthly_file(r, now_ms=now_ms)) is not None}
        given = self.answers.completed(day) if longer else set()
        return {r: month for r, month in longer.items() if question(r) not in given}

    def _held_by_months(self, asked: Iterable[Request], day: date) -> set[Request]:
        """What need not be asked, since a file of the month has it; noted as answered.

        One that lacks a bar stands for no day: the files of days, or REST, may have it.
        """
        months = self._months(asked, day)
        if not months:
            return set()
        whole = self.answers.complete_files(months.values(), day.replace(day=1), self.bar_minutes)
        held = [request for request, month in months.items() if month in whole]
        with self._alone():
            self.answers.note_in_a_month(held, day, to_ms(self.served.now))
        self.progress.grow(-len(held))
        return set(held)


def skipped_hours(store: Store, plan: Plan) -> list[datetime]:
    """Hours between the last that is published and the plan's first, as far as LOOK_BACK: nobody ran them.

    The last of whichever of the plan's coins is farthest behind. A plan that does not catch up leaves them out too.
    """
    if not plan.retry_failed:
        return []
    names = plan.named_coins or sorted({str(key["coin"]) for key in store.keys(BOOKS)})
    newest = [store.keys(BOOKS, coin=name)[-1:] for name in names]
    until = [max(store.read(BOOKS, keys, ["hour_utc"])["hour_utc"].to_list()) for keys in newest if keys]
    first = max(min(until) + HOUR, plan.first_hour - LOOK_BACK) if until else plan.first_hour
    return list(hours(first, plan.first_hour - HOUR))


def _failed(plan: Plan, missing: pl.DataFrame) -> set[datetime]:
    """Earlier hours whose requests failed, and the last few, to which an exchange may still add."""
    if not plan.retry_failed:
        return set()
    gaps = missing.filter(pl.col("hour_utc") < plan.first_hour)
    late = pl.col("hour_utc") >= plan.first_hour - _LATE_BY
    return set(gaps.filter(late | pl.col("reason").str.contains(FAILED))["hour_utc"].to_list())


def _begins_late(fetched: Fetched) -> bool:
    """Whether the answer leaves out the first hour that was asked for: the exchange no longer has all of it."""
    if fetched.rows is None or fetched.request.start_ms is None or fetched.page:
        return False
    timed = [found for series, found in fetched.rows.items() if "time_ms" in SERIES[series]]
    times = [time for found in timed for time in Rows.gathered(("time_ms",), found).columns["time_ms"]]
    return not times or min(times) > fetched.request.start_ms + _HOUR_MS


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
    """Runs of consecutive hours as windows that start an hour earlier, cut at midnight."""
    start = end = None
    for hour in wanted:
        if end is not None and start is not None and (hour - HOUR != end or end.hour == 0):
            yield Window(start, end)
            start = None
        start, end = start or hour - HOUR, hour
    if start is not None and end is not None:
        yield Window(start, end)
