"""The HTTP server: one port, three exchanges by path, a clock, failures on demand, and a log of what was asked."""

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
from warehouse.simulator.exchanges.wire import Ask, Handler, RefusedError, Reply
from warehouse.simulator.market.source import Source
from warehouse.simulator.server.fault_bodies import exchange_of, fault_reply
from warehouse.simulator.server.faults import Faults, parsed
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
    """Now, in ms."""
    return time.time_ns() // 1_000_000


class Exchange:
    """RequestLog requests from a source, and remembers them."""

    def __init__(self, source: Source, now_ms: Clock, faults: Faults, walls: bool = True) -> None:
        self.source, self.now_ms, self.faults, self.walls = source, now_ms, faults, walls
        self.limits = Limits()
        self.counts: Counter[str] = Counter()
        self.recent: deque[dict[str, object]] = deque(maxlen=LOGGED)

    def app(self) -> Starlette:
        """The application; the exchange's paths are looked up here, so that each can fail."""
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
            said = fault_reply(fault, exchange, now)
            body = said.body if isinstance(said.body, str) else _dumped(said.body)
            if said.retry_after is not None:
                headers["Retry-After"] = f"{said.retry_after:g}"
            return self._logged(request, Response(body, said.status, headers, said.media))
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        reply = self._reply(path, Ask(request.query_params, self.source, now, self.walls), exchange)
        body = _dumped(_emptied(reply.body) if fault is not None and fault.kind == "no_rows" else reply.body)
        if fault is not None and fault.kind == "truncated":
            body = body[: len(body) * 2 // 3]
        return self._logged(request, Response(body, reply.status, headers | dict(reply.headers), reply.media))

    def _reply(self, path: str, ask: Ask, exchange: str) -> Reply:
        handler = ROUTES.get(path) or binance_archive.archived(path)
        if handler is None:
            return Reply(UNKNOWN[exchange], 404)
        try:
            return handler(ask)
        except RefusedError as refused:
            return refused.reply

    def _logged(self, request: Request, response: Response) -> Response:
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
                self.faults.add(*parsed(sent if isinstance(sent, list) else [sent]))
            except ValueError as error:
                return JSONResponse({"error": str(error)}, 400)
        return JSONResponse([asdict(fault) | {"times": left} for fault, left in self.faults.active()])

    async def _requests(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.counts.clear()
            self.recent.clear()
        counted = dict(sorted(self.counts.items()))
        return JSONResponse({"total": sum(counted.values()), "by_path": counted, "recent": list(self.recent)})


def _dumped(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()


def _emptied(body: object) -> object:
    """The same envelope with its lists emptied."""
    if isinstance(body, list):
        return []
    if isinstance(body, dict):
        return {key: "" if key == "nextPageCursor" else _emptied(value) for key, value in body.items()}
    return body
