"""The HTTP server: one port, three exchanges by path, a clock, failures on demand, and a log of requests."""

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from warehouse.simulator.exchanges import (
    binance,
    binance_archive,
    binance_data,
    binance_static,
    bybit,
    bybit_bars,
    bybit_static,
    okx,
    okx_liquidations,
    okx_static,
    okx_statistics,
)
from warehouse.simulator.exchanges.wire import Handler, Query, RefusedError, Reply
from warehouse.simulator.market.source import Source
from warehouse.simulator.server.fault_bodies import exchange_of, fault_reply
from warehouse.simulator.server.faults import Faults, parse_faults
from warehouse.simulator.server.limits import Limits

Clock = Callable[[], int]
ROUTES: dict[str, Handler] = {
    **binance.PRICE_ROUTES,
    **binance_data.DATA_ROUTES,
    **binance_static.STATIC_ROUTES,
    **bybit.HISTORY_ROUTES,
    **bybit_bars.BAR_ROUTES,
    **bybit_static.STATIC_ROUTES,
    **okx.HISTORY_ROUTES,
    **okx_liquidations.LIQUIDATION_ROUTES,
    **okx_statistics.STATISTICS_ROUTES,
    **okx_static.STATIC_ROUTES,
}
LOGGED = 10_000
UNKNOWN = {"binance": {"code": -5000, "msg": "Path is invalid"}, "bybit": {"retCode": 404, "retMsg": "not found"}}
UNKNOWN |= {"okx": {"code": "404", "msg": "Not Found", "data": []}}


def wall_clock() -> int:
    """Return the current time in unix ms."""
    return time.time_ns() // 1_000_000


class Exchange:
    """The three exchanges: they answer requests from one source, and log them."""

    def __init__(self, source: Source, now_ms: Clock, faults: Faults, history_limits: bool = True) -> None:
        self.source, self.now_ms, self.faults, self.history_limits = source, now_ms, faults, history_limits
        self.limits = Limits()
        self.counts: Counter[str] = Counter()
        self.recent: deque[dict[str, object]] = deque(maxlen=LOGGED)

    def app(self) -> Starlette:
        """Return the application; exchange paths share one route, so that a fault can replace any answer."""
        return Starlette(
            routes=[
                Route("/_simulator/faults", self._faults, methods=["GET", "POST", "DELETE"]),
                Route("/_simulator/requests", self._requests, methods=["GET", "DELETE"]),
                Route("/{path:path}", self._answer, methods=["GET", "POST"]),
            ]
        )

    async def _answer(self, request: Request) -> Response:
        path, now = request.url.path, self.now_ms()
        exchange = exchange_of(path)
        fault = self.faults.strike(f"{path}?{request.url.query}")
        limit = request.query_params.get("limit", "")
        headers = {f"x-{self.source.label}": "1"}
        symbol = request.query_params.get("symbol", "")
        headers |= self.limits.headers(exchange, path, int(limit) if limit.isdecimal() else None, symbol, now)
        if fault is not None and fault.kind not in ("slow", "truncated", "no_rows"):
            failure = fault_reply(fault, exchange, now)
            body = failure.body if isinstance(failure.body, str) else _encode(failure.body)
            if failure.retry_after is not None:
                headers["Retry-After"] = f"{failure.retry_after:g}"
            return self._log(request, Response(body, failure.status, headers, failure.media))
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        reply = self._reply(path, Query(request.query_params, self.source, now, self.history_limits), exchange)
        body = _encode(_empty_lists(reply.body) if fault is not None and fault.kind == "no_rows" else reply.body)
        if fault is not None and fault.kind == "truncated":
            body = body[: len(body) * 2 // 3]
        return self._log(request, Response(body, reply.status, headers | dict(reply.headers), reply.media))

    def _reply(self, path: str, query: Query, exchange: str) -> Reply:
        handler = ROUTES.get(path) or binance_archive.archive_handler(path)
        if handler is None:
            return Reply(UNKNOWN[exchange], 404)
        try:
            return handler(query)
        except RefusedError as refused:
            return refused.reply

    def _log(self, request: Request, response: Response) -> Response:
        self.counts[request.url.path] += 1
        entry = {"method": request.method, "path": request.url.path, "query": request.url.query}
        self.recent.append(entry | {"status": response.status_code})
        return response

    async def _faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.faults.clear()
        elif request.method == "POST":
            try:
                sent = await request.json()
                self.faults.add(*parse_faults(sent if isinstance(sent, list) else [sent]))
            except ValueError as error:
                return JSONResponse({"error": str(error)}, 400)
        return JSONResponse([asdict(fault) | {"times": left} for fault, left in self.faults.active()])

    async def _requests(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.counts.clear()
            self.recent.clear()
        counted = dict(sorted(self.counts.items()))
        return JSONResponse({"total": sum(counted.values()), "by_path": counted, "recent": list(self.recent)})


def _encode(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()


def _empty_lists(body: object) -> object:
    """Return the same envelope with its lists emptied."""
    if isinstance(body, list):
        return []
    if isinstance(body, dict):
        return {key: "" if key == "nextPageCursor" else _empty_lists(value) for key, value in body.items()}
    return body
