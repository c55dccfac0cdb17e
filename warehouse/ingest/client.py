"""The rate-limited client: sends the requests that adapters plan, as fast as exchanges allow, and keeps every byte.

It has no code for a single exchange. The adapter interprets answers; the client decides on waiting, retries and hosts.
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
from warehouse.ingest.circuit_breaker import CircuitBreaker, CircuitOpenError, UnreachableError
from warehouse.ingest.transport import Transport

log = logging.getLogger(__name__)

_SHARE_OF_BUDGET = 0.9  # the exchange counts arrivals, the client departures: leave room for the difference


@dataclass(frozen=True)
class Fetched:
    """The outcome of one request. A further page is a request, and a `Fetched`, of its own."""

    request: Request
    outcome: str  # "ok", or the outcome of an ExchangeError
    reason: str
    attempts: int  # requests sent; 0 if the circuit breaker had tripped already
    sent_ms: int  # of the first attempt, or of the decision not to send
    received_ms: int  # of the outcome
    response: Response | None  # the last one received, of any content
    rows: Mapping[str, Sequence[Row]] | None
    responses: tuple[tuple[int, Response], ...]  # (sent_ms, response) of every answered attempt, errors too
    page: int = 0  # 0 for the planned request, then counting the pages that follow from it

    @property
    def row_count(self) -> int:
        """Rows of all series in the answer."""
        return sum(len(rows) for rows in self.rows.values()) if self.rows else 0


@dataclass
class _Attempts:
    """The attempts at one request so far."""

    sent: int = 0
    first_ms: int = 0
    answered: list[tuple[int, Response]] = field(default_factory=list)


class ExchangeClient:
    """A client for requests to any number of exchanges. `clock` returns unix ms; `sleep` takes seconds.

    A request is tried `attempts` times, with pauses growing from `backoff_s`. If a host asks for a pause, all its
    requests wait; if it asks for more than `max_pause_s`, it gets no more requests.
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
        """Yield the outcome of each request, and of the pages after it, as they finish. Equal requests are sent once.

        Every host has its own workers, so that a hanging host delays no other one.
        """
        queue = self._order_by_budget(dict.fromkeys(requests))
        inbox: SimpleQueue[Fetched | Future[None]] = SimpleQueue()
        stop = Event()
        pools = {host: ThreadPoolExecutor(self._concurrency, f"fetch-{host}") for host in {r.host for r in queue}}
        try:
            for request in queue:
                pools[request.host].submit(self._fetch_pages, request, adapter, inbox, stop).add_done_callback(
                    inbox.put
                )
            running = len(queue)
            while running:
                item = inbox.get()
                if isinstance(item, Future):
                    running -= 1
                    item.result()  # an adapter's bug is not an outcome: it stops the run
                    continue
                if on_done is not None:
                    on_done(item)
                yield item
        finally:
            stop.set()
            for pool in pools.values():
                pool.shutdown(wait=True, cancel_futures=True)

    def _order_by_budget(self, requests: Iterable[Request]) -> list[Request]:
        """Return the requests in the order in which budgets admit them, so that no budget idles while workers wait."""
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
            raise ValueError(
                f"{request.endpoint} weighs {request.weight}, more than the {self._capacity[request.budget]} of budget "
                f"{request.budget}"
            )
        self._breakers.setdefault(request.host, CircuitBreaker())

    def _fetch_pages(
        self, first: Request, adapter: Adapter, inbox: SimpleQueue[Fetched | Future[None]], stop: Event
    ) -> None:
        request: Request | None = first
        seen: set[Request] = set()
        while request is not None and not stop.is_set():
            if request in seen:
                now = self._clock()
                reason = "the cursor leads back to a page already read"
                inbox.put(Fetched(request, BadPayload.outcome, reason, 0, now, now, None, None, (), len(seen)))
                return
            fetched = self._fetch_one(request, adapter, stop, len(seen))
            inbox.put(fetched)
            seen.add(request)
            if fetched.outcome != "ok" or fetched.response is None:
                return
            request = adapter.next_page(request, fetched.response)

    def _fetch_one(self, request: Request, adapter: Adapter, stop: Event, page: int) -> Fetched:
        breaker, attempts = self._breakers[request.host], _Attempts()
        answers_before = breaker.answer_count
        rows, outcome, reason = None, "ok", ""
        retrying = Retrying(
            stop=stop_after_attempt(self._attempts),
            wait=self._wait,
            retry=retry_if_exception(lambda error: _is_retryable(error) and breaker.tripped is None),
            before_sleep=lambda state: _log_retry(request, state),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            rows = retrying(self._send_once, request, adapter, breaker, attempts, stop)
        except (ExchangeError, CircuitOpenError) as error:
            outcome, reason = error.outcome, error.reason
            if isinstance(error, ExchangeError) and not attempts.answered:
                breaker.record_silence(answers_before, error)
        succeeded = attempts.answered and outcome == "ok"
        received_ms = attempts.answered[-1][1].received_ms if succeeded else self._clock()
        return Fetched(
            request=request,
            outcome=outcome,
            reason=reason,
            attempts=attempts.sent,
            sent_ms=attempts.first_ms or received_ms,
            received_ms=received_ms,
            response=attempts.answered[-1][1] if attempts.answered else None,
            rows=rows,
            responses=tuple(attempts.answered),
            page=page,
        )

    def _send_once(
        self, request: Request, adapter: Adapter, breaker: CircuitBreaker, attempts: _Attempts, stop: Event
    ) -> Mapping[str, Sequence[Row]]:
        self._await_turn(request, breaker, stop)
        sent_ms = self._clock()
        attempts.sent, attempts.first_ms = attempts.sent + 1, attempts.first_ms or sent_ms
        response = self._transport.send(request)
        attempts.answered.append((sent_ms, response))
        breaker.record_answer()
        try:
            return adapter.parse(request, response)
        except GeoBlocked as error:
            breaker.trip(error.outcome, error.reason)
            raise
        except (RateLimited, Transient) as error:
            self._back_off(breaker, error, response)
            raise

    def _back_off(self, breaker: CircuitBreaker, error: RateLimited | Transient, response: Response) -> None:
        """Pause the host as it asks. A rate limit always implies a pause, a temporary failure only if it states one."""
        until_ms = error.until_ms
        if until_ms is None:
            until_ms = response.received_ms + (1000 if isinstance(error, RateLimited) else 0)
        if until_ms - self._clock() > self._max_pause_ms:
            breaker.trip(error.outcome, error.reason)
        breaker.pause_until(until_ms)

    def _await_turn(self, request: Request, breaker: CircuitBreaker, stop: Event) -> None:
        """Wait for the budget and for the end of a pause; a pause may begin during the wait for the budget."""
        _check_allowed(breaker, stop)
        if request.budget:
            limiter = self._limiters[request.budget]
            while not limiter.try_acquire(request.budget, request.weight, timeout=1):
                _check_allowed(breaker, stop)
        _check_allowed(breaker, stop)
        while (pause_ms := breaker.paused_until_ms - self._clock()) > 0:
            self._sleep(pause_ms / 1000)
            _check_allowed(breaker, stop)


def _check_allowed(breaker: CircuitBreaker, stop: Event) -> None:
    breaker.check()
    if stop.is_set():
        raise CircuitOpenError(Transient.outcome, "the run stopped")


def _is_retryable(error: BaseException) -> bool:
    return isinstance(error, Transient | BadPayload | RateLimited | UnreachableError)


def _log_retry(request: Request, state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.info("%s %s: %s; attempt %d failed", request.exchange, request.path, error, state.attempt_number)


def _limiter(capacity: int, seconds: float) -> Limiter:
    # Old entries need no cleaning thread: a client lasts for one run.
    return Limiter(SingleBucketFactory(InMemoryBucket([Rate(capacity, int(1000 * seconds))]), schedule_leak=False))
