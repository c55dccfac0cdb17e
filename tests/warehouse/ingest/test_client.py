"""The client against a server that misbehaves on request, with a simulated clock and sleep."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as Incoming
from starlette.responses import JSONResponse, RedirectResponse, StreamingResponse
from starlette.responses import Response as Outgoing
from starlette.routing import Route

from transforms.exchanges.binance import adapter as binance
from transforms.exchanges.bybit import adapter as bybit
from transforms.exchanges.protocol import Budget, Instrument, Request, Response
from warehouse.ingest.client import ExchangeClient, Fetched

T0 = 1790553605000
Answerer = Callable[[Incoming], Any]


@dataclass
class Clock:
    """A clock that advances only by sleeping."""

    now_ms: int = T0
    slept: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> int:
        return self.now_ms

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.slept.append(seconds)
            self.now_ms += round(1000 * seconds)


@dataclass
class Exchange:
    """A server with scripted answers: a list for each path; the last answer repeats."""

    clock: Clock
    url: str = ""
    script: dict[str, list[Answerer]] = field(default_factory=dict)
    seen: list[tuple[str, str, int]] = field(default_factory=list)  # path, raw query, clock
    headers: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, incoming: Incoming) -> Outgoing:
        self.seen.append((incoming.url.path, incoming.url.query, self.clock()))
        self.headers.append(dict(incoming.headers))
        answers = self.script.get(incoming.url.path, [open_interest])
        made = (answers.pop(0) if len(answers) > 1 else answers[0])(incoming)
        return await made if asyncio.iscoroutine(made) else made


def open_interest(incoming: Incoming) -> Outgoing:
    return JSONResponse({"openInterest": "1.5", "symbol": incoming.query_params.get("symbol"), "time": T0})


def said(status: int, body: Any = None, **headers: str) -> Answerer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: JSONResponse(body if body is not None else {}, status, headers=named)


def html(_: Incoming) -> Outgoing:
    return Outgoing("<html>We are down for maintenance</html>", 200, media_type="text/html")


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Stage:
    """A server shared by all tests; each test sets its own exchange."""

    url = ""
    exchange: Exchange

    async def answer(self, incoming: Incoming) -> Outgoing:
        return await self.exchange.answer(incoming)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    made = Stage()
    app = Starlette(routes=[Route("/{rest:path}", made.answer)])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        made.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            thread.join(0.005)
        yield made
        server.should_exit = True
        thread.join()


@pytest.fixture
def exchange(stage: Stage, clock: Clock) -> Exchange:
    stage.exchange = Exchange(clock, stage.url)
    return stage.exchange


@pytest.fixture
def closed_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


Fetch = Callable[..., list[Fetched]]


@pytest.fixture
def fetch(exchange: Exchange, clock: Clock) -> Fetch:
    def run(requests: list[Request], adapter: Any = binance, **options: Any) -> list[Fetched]:
        urls = {"binance": exchange.url, "bybit": exchange.url} | options.pop("urls", {})
        budgets = options.pop("budgets", adapter.BUDGETS)
        settings = {"clock": clock, "sleep": clock.sleep, "concurrency": 1, "attempts": 3, "backoff_s": 0.01} | options
        with ExchangeClient(urls, budgets, **settings) as client:
            return list(client.fetch(requests, adapter))

    return run


def ask(*symbols: str) -> list[Request]:
    return binance.snapshot([Instrument("binance", symbol, "X") for symbol in symbols])


PATH = "/fapi/v1/openInterest"


def test_answer_holds_parsed_rows_and_raw_body(exchange: Exchange, fetch: Fetch) -> None:
    (done,) = fetch(ask("BTCUSDT"))
    assert (done.outcome, done.reason, done.attempts, done.page) == ("ok", "", 1, 0)
    assert done.rows is not None
    assert done.rows["open_interest"][0]["reported"] == 1.5
    ((sent_ms, response),) = done.responses
    assert response is done.response
    assert response.body == b'{"openInterest":"1.5","symbol":"BTCUSDT","time":1790553605000}'
    assert response.headers["content-type"] == "application/json"
    assert sent_ms == done.sent_ms == done.received_ms == T0
    assert exchange.headers[0]["user-agent"].startswith("liquidation-warehouse/")
    assert "x-simulated-trading" not in exchange.headers[0]


def test_the_demo_header_is_never_sent(exchange: Exchange, clock: Clock) -> None:
    with ExchangeClient({"binance": exchange.url}, binance.BUDGETS, clock=clock, sleep=clock.sleep) as client:
        client._transport.client.headers["X-Simulated-Trading"] = "1"
        with pytest.raises(ValueError, match="demo"):
            list(client.fetch(ask("BTCUSDT"), binance))
    assert not exchange.seen


def test_retry_after_pauses_the_whole_host(exchange: Exchange, fetch: Fetch) -> None:
    exchange.script[PATH] = [said(429, {"code": -1003, "msg": "Too many requests"}, retry_after="30"), open_interest]
    done = fetch(ask("BTCUSDT", "ETHUSDT", "SOLUSDT"), concurrency=3)
    assert [each.outcome for each in done] == ["ok"] * 3
    refused = [each for each in done if each.attempts > 1]
    assert [each.attempts for each in refused] == [2]
    assert [response.status for _, response in refused[0].responses] == [429, 200]
    # Three requests were in flight at the refusal; later ones waited for the Retry-After time.
    assert not [moment for _, _, moment in exchange.seen[3:] if moment < T0 + 30_000]


def test_pause_applies_to_requests_not_yet_sent(exchange: Exchange, fetch: Fetch) -> None:
    exchange.script[PATH] = [said(429, {"code": -1003, "msg": "Too many requests"}, retry_after="30"), open_interest]
    fetch(ask("BTCUSDT", "ETHUSDT"), concurrency=1)
    assert [moment >= T0 + 30_000 for _, _, moment in exchange.seen] == [False, True, True]


def test_repeated_refusal_ends_as_rate_limited(exchange: Exchange, fetch: Fetch) -> None:
    exchange.script[PATH] = [said(429, {"code": -1003, "msg": "Too many requests"}, retry_after="1")]
    (done,) = fetch(ask("BTCUSDT"))
    assert (done.outcome, done.attempts, len(done.responses), done.rows) == ("rate_limited", 3, 3, None)
    assert "Too many requests" in done.reason


def test_ban_longer_than_max_pause_ends_the_host(exchange: Exchange, fetch: Fetch) -> None:
    banned = {"code": -1003, "msg": f"Way too many requests; IP banned until {T0 + 120_000}."}
    exchange.script[PATH] = [said(418, banned)]
    done = fetch(ask("BTCUSDT", "ETHUSDT", "SOLUSDT"))
    assert [each.outcome for each in done] == ["rate_limited"] * 3
    assert [each.attempts for each in done] == [1, 0, 0]
    assert len(exchange.seen) == 1
    assert done[1].responses == ()
    assert "banned until" in done[1].reason


def test_ban_shorter_than_max_pause_is_waited_for(exchange: Exchange, fetch: Fetch) -> None:
    banned = {"code": -1003, "msg": f"Way too many requests; IP banned until {T0 + 40_000}."}
    exchange.script[PATH] = [said(418, banned), open_interest]
    (done,) = fetch(ask("BTCUSDT"))
    assert done.outcome == "ok"
    assert exchange.seen[1][2] >= T0 + 40_000


def test_geo_block_is_final_for_the_client(exchange: Exchange, clock: Clock) -> None:
    exchange.script[PATH] = [said(451, {"code": 0, "msg": "restricted location"})]
    with ExchangeClient(
        {"binance": exchange.url}, binance.BUDGETS, clock=clock, sleep=clock.sleep, concurrency=1
    ) as client:
        first = list(client.fetch(ask("BTCUSDT", "ETHUSDT"), binance))
        later = list(client.fetch(ask("SOLUSDT"), binance))
    assert [each.outcome for each in first + later] == ["geo_blocked"] * 3
    assert [each.attempts for each in first + later] == [1, 0, 0]
    assert len(exchange.seen) == 1


def test_ban_applies_to_later_calls_of_the_client(exchange: Exchange, clock: Clock) -> None:
    exchange.script[PATH] = [said(418, {"code": -1003, "msg": f"IP banned until {T0 + 120_000}."}), open_interest]
    urls = {"binance": exchange.url, "elsewhere": exchange.url}
    with ExchangeClient(urls, binance.BUDGETS, clock=clock, sleep=clock.sleep, concurrency=1) as client:
        (first,) = client.fetch(ask("BTCUSDT"), binance)
        later = on_a_thread(lambda: list(client.fetch(ask("ETHUSDT", "BTCUSDT"), binance)))
        (other,) = client.fetch([replace(ask("BTCUSDT")[0], host="elsewhere")], binance)
    assert (first.outcome, first.attempts) == ("rate_limited", 1)
    assert [(each.outcome, each.attempts, each.responses) for each in later] == [("rate_limited", 0, ())] * 2
    assert not clock.slept
    assert (other.outcome, len(exchange.seen)) == ("ok", 2)


def test_pause_applies_to_later_calls_of_the_client(exchange: Exchange, clock: Clock) -> None:
    exchange.script[PATH] = [said(429, {"code": -1003, "msg": "Too many requests"}, retry_after="30"), open_interest]
    options: dict[str, Any] = {"clock": clock, "sleep": clock.sleep, "attempts": 1}
    with ExchangeClient({"binance": exchange.url}, binance.BUDGETS, **options) as client:
        (first,) = client.fetch(ask("BTCUSDT"), binance)
        (later,) = on_a_thread(lambda: list(client.fetch(ask("ETHUSDT"), binance)))
    assert (first.outcome, later.outcome) == ("rate_limited", "ok")
    assert exchange.seen[1][2] >= T0 + 30_000


def on_a_thread(call: Callable[[], list[Fetched]]) -> list[Fetched]:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


def test_html_is_retried_then_reported_as_bad_payload(exchange: Exchange, fetch: Fetch) -> None:
    exchange.script[PATH] = [html]
    (done,) = fetch(ask("BTCUSDT"))
    assert (done.outcome, done.attempts, done.rows) == ("bad_payload", 3, None)
    assert [response.body for _, response in done.responses] == [b"<html>We are down for maintenance</html>"] * 3
    exchange.script[PATH] = [html, open_interest]
    assert fetch(ask("BTCUSDT"))[0].outcome == "ok"


@pytest.mark.parametrize("status", [500, 503])
def test_server_error_is_retried(exchange: Exchange, fetch: Fetch, status: int) -> None:
    exchange.script[PATH] = [said(status), open_interest]
    (done,) = fetch(ask("BTCUSDT"))
    assert (done.outcome, done.attempts) == ("ok", 2)


def test_server_error_with_retry_after_pauses_the_host(exchange: Exchange, fetch: Fetch) -> None:
    exchange.script[PATH] = [said(503, retry_after="30"), open_interest]
    done = fetch(ask("BTCUSDT", "ETHUSDT"))
    assert [(each.outcome, each.attempts) for each in done] == [("ok", 2), ("ok", 1)]
    assert [moment >= T0 + 30_000 for _, _, moment in exchange.seen] == [False, True, True]


def test_server_error_with_long_retry_after_ends_the_host(exchange: Exchange, fetch: Fetch) -> None:
    exchange.script[PATH] = [said(503, retry_after="3600")]
    done = fetch(ask("BTCUSDT", "ETHUSDT"))
    assert [(each.outcome, each.attempts) for each in done] == [("transient", 1), ("transient", 0)]
    assert len(exchange.seen) == 1


def test_unknown_instrument_is_not_retried(exchange: Exchange, fetch: Fetch) -> None:
    exchange.script[PATH] = [said(400, {"code": -1121, "msg": "Invalid symbol."}), open_interest]
    done = fetch(ask("NOSUCHUSDT", "BTCUSDT"))
    assert [(each.outcome, each.attempts) for each in done] == [("not_found", 1), ("ok", 1)]


def test_pauses_between_attempts_grow(exchange: Exchange, fetch: Fetch, clock: Clock) -> None:
    exchange.script[PATH] = [html]
    fetch(ask("BTCUSDT"), attempts=5, backoff_s=1.0, backoff_max_s=3.0)
    assert len(clock.slept) == 4
    assert all(low <= pause <= 4.0 for low, pause in zip((1.0, 2.0, 3.0, 3.0), clock.slept, strict=True))


async def slow(_: Incoming) -> Outgoing:
    await asyncio.sleep(0.5)
    return JSONResponse({})


def trickle(_: Incoming) -> Outgoing:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" "
            await asyncio.sleep(0.05)

    return StreamingResponse(pieces(), media_type="application/json")


@pytest.mark.parametrize("answerer", [slow, trickle])
def test_slow_answer_times_out(exchange: Exchange, fetch: Fetch, answerer: Answerer) -> None:
    exchange.script[PATH] = [answerer, answerer, open_interest]
    done = fetch(ask("BTCUSDT", "ETHUSDT"), timeout_s=0.1, attempts=2)
    assert [(each.outcome, each.attempts) for each in done] == [("transient", 2), ("ok", 1)]
    assert "ReadTimeout" in done[0].reason


def test_silent_host_becomes_unreachable(exchange: Exchange, fetch: Fetch) -> None:
    exchange.script[PATH] = [slow]
    done = fetch(ask("AUSDT", "BUSDT", "CUSDT", "DUSDT", "EUSDT"), timeout_s=0.05, attempts=1)
    assert [each.outcome for each in done] == ["transient"] * 3 + ["unreachable"] * 2
    assert [each.attempts for each in done] == [1, 1, 1, 0, 0]


def test_dead_host_does_not_delay_others(exchange: Exchange, fetch: Fetch, closed_port: str) -> None:
    dead = [replace(each, host="dead") for each in ask("AUSDT", "BUSDT", "CUSDT")]
    done = fetch(dead + ask("BTCUSDT", "ETHUSDT"), urls={"dead": closed_port})
    by_host = {host: [each for each in done if each.request.host == host] for host in ("dead", "binance")}
    assert [each.outcome for each in by_host["binance"]] == ["ok", "ok"]
    assert [each.outcome for each in by_host["dead"]] == ["unreachable"] * 3
    assert [each.attempts for each in by_host["dead"]] == [3, 0, 0]
    assert all(each.reason for each in by_host["dead"])


HOUR = 3_600_000
START = 1790550000000


def bybit_page(cursor: str, *times: int) -> Answerer:
    listed = [{"openInterest": "2", "singleOpenInterest": "1", "timestamp": str(time)} for time in times]
    result = {"symbol": "BTCUSDT", "category": "linear", "list": listed, "nextPageCursor": cursor}
    return said(200, {"retCode": 0, "retMsg": "OK", "result": result, "time": T0})


def bybit_hour() -> list[Request]:
    planned = bybit.history([Instrument("bybit", "BTCUSDT", "BTC")], START, START + HOUR)
    return [each for each in planned if each.endpoint == "open_interest_history"]


def test_pages_are_followed_and_reported_separately(exchange: Exchange, fetch: Fetch) -> None:
    exchange.script["/v5/market/open-interest"] = [
        bybit_page("lastid%3D19408935%26lasttime%3D1790552000", START + HOUR),
        bybit_page("more", START + 300_000),
    ]
    first, second = fetch(bybit_hour(), bybit)
    assert [first.page, second.page] == [0, 1]
    times = [row["time_ms"] for each in (first, second) if each.rows for row in each.rows["open_interest"]]
    assert times == [START + HOUR, START + 300_000]
    assert exchange.seen[1][1].endswith("&cursor=lastid%3D19408935%26lasttime%3D1790552000")
    assert len(exchange.seen) == 2


def test_repeating_cursor_is_bad_payload(exchange: Exchange, fetch: Fetch) -> None:
    exchange.script["/v5/market/open-interest"] = [
        bybit_page("a", START + HOUR),
        bybit_page("b", START + HOUR),
        bybit_page("a", START + HOUR),
    ]
    done = fetch(bybit_hour(), bybit)
    assert [each.outcome for each in done] == ["ok", "ok", "ok", "bad_payload"]
    assert done[-1].attempts == 0


def test_failed_page_keeps_earlier_pages(exchange: Exchange, fetch: Fetch) -> None:
    exchange.script["/v5/market/open-interest"] = [bybit_page("a", START + HOUR), html]
    done = fetch(bybit_hour(), bybit)
    assert [(each.outcome, each.page) for each in done] == [("ok", 0), ("bad_payload", 1)]


def test_redirects_are_not_followed(exchange: Exchange, fetch: Fetch) -> None:
    exchange.script[PATH] = [lambda _: RedirectResponse("http://127.0.0.1:9/elsewhere", 302)]
    (done,) = fetch(ask("BTCUSDT"))
    assert (done.outcome, done.reason) == ("bad_payload", "HTTP 302")
    assert {path for path, _, _ in exchange.seen} == {PATH}


def test_equal_requests_are_sent_once(exchange: Exchange, fetch: Fetch) -> None:
    assert len(fetch(ask("BTCUSDT") * 3)) == len(exchange.seen) == 1
    assert fetch([]) == []


def test_progress_callback_receives_each_answer(exchange: Exchange, clock: Clock) -> None:
    told: list[Fetched] = []
    with ExchangeClient({"binance": exchange.url}, binance.BUDGETS, clock=clock, sleep=clock.sleep) as client:
        done = list(client.fetch(ask("BTCUSDT", "ETHUSDT"), binance, on_done=told.append))
    assert told == done
    assert len(told) == 2


def test_unsendable_request_raises_before_any_is_sent(exchange: Exchange, fetch: Fetch) -> None:
    with pytest.raises(ValueError, match="no base URL for host 'elsewhere'"):
        fetch([*ask("BTCUSDT"), replace(ask("BTCUSDT")[0], host="elsewhere")])
    with pytest.raises(ValueError, match="weighs 5000, more than the 2160 of budget binance-weight"):
        fetch([replace(ask("BTCUSDT")[0], weight=5000)])
    assert not exchange.seen


def test_budgets_respect_a_strict_rate_limit(exchange: Exchange, fetch: Fetch) -> None:
    """The server allows two requests in any 0.2 s by its own clock, and bans permanently beyond that."""
    arrivals: list[float] = []

    async def strict(incoming: Incoming) -> Outgoing:
        arrivals.append(asyncio.get_running_loop().time())
        crowd = [each for each in arrivals if each > arrivals[-1] - 0.2]
        return open_interest(incoming) if len(crowd) <= 2 else said(418)(incoming)

    exchange.script[PATH] = [strict]
    symbols = [f"{number}USDT" for number in range(5)]
    done = fetch(ask(*symbols), concurrency=5, budgets=[Budget("binance-weight", 2, 0.2)])
    assert [(each.outcome, each.attempts) for each in done] == [("ok", 1)] * 5


def test_slow_budget_does_not_delay_fast_budget(exchange: Exchange, fetch: Fetch) -> None:
    slow_ones = [replace(each, budget="slow") for each in ask("AUSDT", "BUSDT", "CUSDT")]
    fast_ones = [replace(each, budget="fast") for each in ask("DUSDT", "EUSDT", "FUSDT")]
    budgets = [Budget("slow", 1000, 3000), Budget("fast", 1000, 1000)]
    done = fetch(slow_ones + fast_ones, budgets=budgets)
    assert [dict(each.request.params)["symbol"][0] for each in done] == ["A", "D", "E", "F", "B", "C"]


class Broken:
    """An adapter with a bug."""

    BUDGETS = binance.BUDGETS

    @staticmethod
    def parse(request: Request, response: Response) -> dict[str, Any]:
        raise KeyError(request.endpoint + str(response.status))


def test_adapter_bug_is_raised(exchange: Exchange, fetch: Fetch) -> None:
    with pytest.raises(KeyError):
        fetch(ask("BTCUSDT"), Broken)


def test_reader_may_stop_early(exchange: Exchange, clock: Clock) -> None:
    symbols = [f"{number}USDT" for number in range(50)]
    options: dict[str, Any] = {"clock": clock, "sleep": clock.sleep, "concurrency": 1}
    with ExchangeClient({"binance": exchange.url}, binance.BUDGETS, **options) as client:
        reader = client.fetch(ask(*symbols), binance)
        assert next(reader).outcome == "ok"
        reader.close()
    assert len(exchange.seen) < 50
