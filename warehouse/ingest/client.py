"""The client around the adapters: sends what they plan, as fast as the exchanges allow, and keeps every byte that comes.

Nothing here knows an exchange. What an answer means is the adapter's word; how long to wait and whom to ask, the client's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event
from types import TracebackType
from typing import Self

from pyrate_limiter import InMemoryBucket, Limiter, Rate, SingleBucketFactory
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from transforms.exchanges.protocol import (
    Adapter,
    BadPayload,
    Budget,
    ExchangeError,
    GeoBlocked,
    RateLimited,
    Request,
    Response,
    Row,
    Transient,
)
from warehouse.clock import to_ms, utc_now
from warehouse.ingest.circuit_breaker import CircuitBreaker, HostClosedError, UnreachableError
from warehouse.ingest.transport import Transport

log = logging.getLogger(__name__)

_SHARE_OF_BUDGET = 0.9  # the exchange counts arrivals, we count departures: leave room for the difference


@dataclass(frozen=True)
class Fetched:
    """What became of one request. A further page is a request, and a `Fetched`, of its own."""

    request: Request
    outcome: str  # "ok", or the outcome of an ExchangeError
    reason: str
    attempts: int  # requests sent; 0 when the host was already left alone
    sent_ms: int  # of the first attempt, or when it was given up unsent
    received_ms: int  # of the outcome
    response: Response | None  # the last that came, whatever it was
    rows: Mapping[str, Sequence[Row]] | None
    responses: tuple[tuple[int, Response], ...]  # (sent_ms, response) of every attempt that was answered, errors too
    page: int = 0  # 0 for the request as planned, then counting the pages that followed from it

    @property
    def row_count(self) -> int:
        """Rows of all series in the answer."""
        return sum(len(rows) for rows in self.rows.values()) if self.rows else 0


@dataclass
class _Attempts:
    """The record of one request while it is being made."""

    sent: int = 0
    first_ms: int = 0
    answered: list[tuple[int, Response]] = field(default_factory=list)


class ExchangeClient:
    """Sends requests of any number of exchanges. `clock` tells unix ms; `sleep` takes seconds.

    A request is tried `attempts` times with growing pauses from `backoff_s`. A host that asks for silence gets it, from
    all requests; one that asks for more than `max_pause_s` is left alone for good.
    """

    def __init__(
        self,
        base_urls: Mapping[str, str],
        budgets: Sequence[Budget],
        *,
        timeout_s: float = 10,
        attempts: int = 5,
        clock: Callable[[], int] = lambda: to_ms(utc_now()),
        sleep: Callable[[float], None] = time.sleep,
        concurrency: int = 8,
        max_pause_s: float = 60,
        backoff_s: float = 0.5,
        backoff_max_s: float = 20,
    ) -> None:
        self._capacity = {each.name: max(1, int(each.capacity * _SHARE_OF_BUDGET)) for each in budgets}
        self._pace_s = {each.name: each.seconds / each.capacity for each in budgets}  # for a weight of 1
        self._limiters = {each.name: _limiter(self._capacity[each.name], each.seconds) for each in budgets}
        self._attempts, self._clock, self._sleep = attempts, clock, sleep
        self._concurrency, self._max_pause_ms = concurrency, int(1000 * max_pause_s)
        self._wait = wait_exponential_jitter(multiplier=backoff_s, max=backoff_max_s, jitter=backoff_s)
        self._breakers: dict[str, CircuitBreaker] = {}
        self._transport = Transport(base_urls, timeout_s=timeout_s, clock=clock, connections=4 * concurrency)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()
        for limiter in self._limiters.values():
            limiter.close()

    def fetch(
        self, requests: Iterable[Request], adapter: Adapter, *, on_done: Callable[[Fetched], None] | None = None
    ) -> Iterator[Fetched]:
        """What became of each request and of the pages after it, as they finish. Equal requests are asked once.

        Every host has its own workers, so that one which hangs holds up nobody else.
        """
        asked = self._queue(dict.fromkeys(requests))
        inbox: SimpleQueue[Fetched | Future[None]] = SimpleQueue()
        stop = Event()
        pools = {host: ThreadPoolExecutor(self._concurrency, f"fetch-{host}") for host in {r.host for r in asked}}
        try:
            for request in asked:
                pools[request.host].submit(self._pages, request, adapter, inbox, stop).add_done_callback(inbox.put)
            running = len(asked)
            while running:
                item = inbox.get()
                if isinstance(item, Future):
                    running -= 1
                    item.result()  # an adapter's own mistake is not an outcome: it stops the run
                    continue
                if on_done is not None:
                    on_done(item)
                yield item
        finally:
            stop.set()
            for pool in pools.values():
                pool.shutdown(wait=True, cancel_futures=True)

    def _queue(self, requests: Iterable[Request]) -> list[Request]:
        """In the order in which budgets can let them through, so that none idles while all workers wait for another."""
        due_s: dict[str, float] = {}
        ordered: list[tuple[float, Request]] = []
        for request in requests:
            self._check(request)
            ordered.append((due_s.get(request.budget, 0.0), request))
            due_s[request.budget] = ordered[-1][0] + request.weight * self._pace_s.get(request.budget, 0.0)
        return [request for _, request in sorted(ordered, key=lambda each: each[0])]

    def _check(self, request: Request) -> None:
        if request.host not in self._transport.base_urls:
            raise ValueError(f"no base URL for host {request.host!r}")
        if request.budget and request.weight > self._capacity[request.budget]:
            raise ValueError(f"{request.endpoint} weighs {request.weight}, more than budget {request.budget} ever has")
        self._breakers.setdefault(request.host, CircuitBreaker())

    def _pages(self, first: Request, adapter: Adapter, inbox: SimpleQueue[Fetched | Future[None]], stop: Event) -> None:
        request: Request | None = first
        seen: set[Request] = set()
        while request is not None and not stop.is_set():
            if request in seen:
                now = self._clock()
                reason = "the exchange leads back to a page already read"
                inbox.put(Fetched(request, BadPayload.outcome, reason, 0, now, now, None, None, (), len(seen)))
                return
            fetched = self._fetch_one(request, adapter, stop, len(seen))
            inbox.put(fetched)
            seen.add(request)
            if fetched.outcome != "ok" or fetched.response is None:
                return
            request = adapter.next_page(request, fetched.response)

    def _fetch_one(self, request: Request, adapter: Adapter, stop: Event, page: int) -> Fetched:
        host, made = self._breakers[request.host], _Attempts()
        answers_before = host.answers
        rows, outcome, reason = None, "ok", ""
        retrying = Retrying(
            stop=stop_after_attempt(self._attempts),
            wait=self._wait,
            retry=retry_if_exception(lambda error: _worth_another_try(error) and host.closed is None),
            before_sleep=lambda state: _say(request, state),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            rows = retrying(self._once, request, adapter, host, made, stop)
        except (ExchangeError, HostClosedError) as error:
            outcome, reason = error.outcome, error.reason
            if isinstance(error, ExchangeError) and not made.answered:
                host.silent(answers_before, error)
        received_ms = made.answered[-1][1].received_ms if made.answered and outcome == "ok" else self._clock()
        return Fetched(
            request=request,
            outcome=outcome,
            reason=reason,
            attempts=made.sent,
            sent_ms=made.first_ms or received_ms,
            received_ms=received_ms,
            response=made.answered[-1][1] if made.answered else None,
            rows=rows,
            responses=tuple(made.answered),
            page=page,
        )

    def _once(
        self, request: Request, adapter: Adapter, host: CircuitBreaker, made: _Attempts, stop: Event
    ) -> Mapping[str, Sequence[Row]]:
        self._take_turn(request, host, stop)
        sent_ms = self._clock()
        made.sent, made.first_ms = made.sent + 1, made.first_ms or sent_ms
        response = self._transport.send(request)
        made.answered.append((sent_ms, response))
        host.answered()
        try:
            return adapter.parse(request, response)
        except GeoBlocked as error:
            host.close(error.outcome, error.reason)
            raise
        except (RateLimited, Transient) as error:
            self._back_off(host, error, response)
            raise

    def _back_off(self, host: CircuitBreaker, error: RateLimited | Transient, response: Response) -> None:
        """Gives the host the silence that it asks for. A limit always asks for some, a stumble only when it says so."""
        until_ms = error.until_ms
        if until_ms is None:
            until_ms = response.received_ms + (1000 if isinstance(error, RateLimited) else 0)
        if until_ms - self._clock() > self._max_pause_ms:
            host.close(error.outcome, error.reason)
        host.pause_until(until_ms)

    def _take_turn(self, request: Request, host: CircuitBreaker, stop: Event) -> None:
        """Waits for the budget and for the end of a pause; a pause may begin while others wait for the budget."""
        _open(host, stop)
        if request.budget:
            limiter = self._limiters[request.budget]
            while not limiter.try_acquire(request.budget, request.weight, timeout=1):
                _open(host, stop)
        while _open(host, stop) and (pause_ms := host.quiet_until_ms - self._clock()) > 0:
            self._sleep(pause_ms / 1000)


def _open(host: CircuitBreaker, stop: Event) -> bool:
    host.check()
    if stop.is_set():
        raise HostClosedError(Transient.outcome, "the run stopped")
    return True


def _worth_another_try(error: BaseException) -> bool:
    return isinstance(error, Transient | BadPayload | RateLimited | UnreachableError)


def _say(request: Request, state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.info("%s %s: %s, attempt %d", request.exchange, request.path, error, state.attempt_number)


def _limiter(capacity: int, seconds: float) -> Limiter:
    # Old entries need no thread to clear them away: a client lives for one run.
    return Limiter(SingleBucketFactory(InMemoryBucket([Rate(capacity, int(1000 * seconds))]), schedule_leak=False))
