"""Error answers of each exchange: status and body in its own format."""

from dataclasses import dataclass

from warehouse.simulator.market.listing import Exchange
from warehouse.simulator.server.faults import Fault

HTML = "text/html"
JSON = "application/json"
MAINTENANCE = "<!DOCTYPE html><html><head><title>Maintenance</title></head><body>We'll be back soon</body></html>"
CLOUDFRONT = (
    "<!DOCTYPE HTML><HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD><BODY><H1>403 ERROR</H1>"
    "The Amazon CloudFront distribution is configured to block access from your country.</BODY></HTML>"
)
GATEWAY = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr>nginx</body></html>"
TITLES = {"500": "500 Internal Server Error", "502": "502 Bad Gateway", "503": "503 Service Temporarily Unavailable"}
TITLES |= {"504": "504 Gateway Time-out", "403": "403 Forbidden", "404": "404 Not Found"}
GEO_BINANCE = (
    "Service unavailable from a restricted location according to 'b. Eligibility' in https://www.binance.com/en/terms. "
    "Please contact customer service if you believe you received this message in error."
)


@dataclass(frozen=True)
class FaultReply:
    """The error answer sent instead of the data."""

    status: int
    body: object
    media: str = JSON
    retry_after: float | None = None


def exchange_of(path: str) -> Exchange:
    """Return the exchange that a path belongs to."""
    if path.startswith("/v5/"):
        return "bybit"
    return "okx" if path.startswith("/api/v5/") else "binance"


def fault_reply(fault: Fault, exchange: Exchange, now_ms: int) -> FaultReply:
    """Return the answer of a fault that replaces the data: of all kinds but slow, truncated and no_rows."""
    if fault.kind == "html":
        return FaultReply(200, MAINTENANCE, HTML)
    if fault.kind == "empty":
        return FaultReply(200, "")
    if fault.kind == "geo_html":
        return FaultReply(403, CLOUDFRONT, HTML)
    reply = {"binance": _binance, "bybit": _bybit, "okx": _okx}[exchange](fault, now_ms)
    if reply is not None:
        return reply
    return FaultReply(int(fault.kind), GATEWAY.format(TITLES[fault.kind]), HTML)


def _binance(fault: Fault, now_ms: int) -> FaultReply | None:
    wait = fault.retry_after
    if fault.kind in ("429", "rate_200"):
        many = "Too many requests; current limit of IP is 2400 requests per minute. Please use the websocket."
        return FaultReply(429, {"code": -1003, "msg": many}, retry_after=wait)
    if fault.kind == "418":
        until = now_ms + int((wait or 120) * 1000)
        banned = f"Way too many requests; IP banned until {until}. Please use the websocket for live updates."
        return FaultReply(418, {"code": -1003, "msg": banned}, retry_after=wait or 120)
    if fault.kind == "451":
        return FaultReply(451, {"code": 0, "msg": GEO_BINANCE})
    if fault.kind in ("503", "busy_200"):
        return FaultReply(503, {"code": -1008, "msg": "Server is currently overloaded with other requests."})
    if fault.kind == "500":
        return FaultReply(500, {"code": -1000, "msg": "An unknown error occurred while processing the request."})
    return None


def _bybit(fault: Fault, now_ms: int) -> FaultReply | None:
    def answer(code: int, message: str) -> FaultReply:
        body = {"retCode": code, "retMsg": message, "result": {}, "retExtInfo": {}, "time": now_ms}
        return FaultReply(200, body, retry_after=fault.retry_after)

    if fault.kind == "rate_200":
        return answer(10006, "Too many visits!")
    if fault.kind == "busy_200":
        return answer(10016, "Server error.")
    if fault.kind == "403":
        return FaultReply(403, "403, access too frequent", "text/plain")
    if fault.kind in ("429", "418"):
        return FaultReply(int(fault.kind), GATEWAY.format("429 Too Many Requests"), HTML, fault.retry_after)
    if fault.kind == "451":
        blocked = "The Amazon CloudFront distribution is configured to block access from your country"
        return FaultReply(403, {"error": blocked})
    return None


def _okx(fault: Fault, now_ms: int) -> FaultReply | None:
    def answer(status: int, code: str, message: str) -> FaultReply:
        return FaultReply(status, {"code": code, "msg": message, "data": []}, retry_after=fault.retry_after)

    if fault.kind in ("429", "418"):
        return answer(int(fault.kind), "50011", "Too Many Requests")
    if fault.kind == "rate_200":
        return answer(200, "50011", "Too Many Requests")
    if fault.kind == "busy_200":
        return answer(200, "50013", "Systems are busy. Please try again later.")
    if fault.kind == "503":
        return answer(503, "50001", "Service temporarily unavailable. Try again later")
    if fault.kind == "500":
        return answer(500, "50026", "System error. Try again later")
    if fault.kind == "451":
        return answer(451, "50125", "This endpoint is not available from your location.")
    return None
