"""Usage of rate limits, for the headers that exchanges send with each answer."""

import time
from collections import deque
from threading import Lock

from warehouse.simulator.market.listing import Exchange


class Meter:
    """The weight spent within a sliding window of wall-clock time."""

    def __init__(self, capacity: int, seconds: float) -> None:
        self.capacity, self.seconds = capacity, seconds
        self._spent: deque[tuple[float, int]] = deque()
        self._sum = 0
        self._lock = Lock()

    def spend(self, weight: int) -> int:
        """Add a weight and return the sum within the window, this one included."""
        now = time.monotonic()
        with self._lock:
            while self._spent and self._spent[0][0] <= now - self.seconds:
                self._sum -= self._spent.popleft()[1]
            self._spent.append((now, weight))
            self._sum += weight
            return self._sum


def weight_of(path: str, limit: int | None, symbol: str) -> int:
    """Return the documented weight of a Binance request."""
    if path.startswith(("/futures/data/", "/bapi/", "/data/")):
        return 0
    if path.endswith(("Klines", "/klines")):
        size = limit or 500
        return 1 if size < 100 else 2 if size < 500 else 5 if size <= 1000 else 10
    return 10 if path.endswith("/premiumIndex") and not symbol else 1


class Limits:
    """The usage of all clients by exchange, and its headers. Nothing is refused here: see `faults`."""

    def __init__(self) -> None:
        self._weight = Meter(2400, 60.0)
        self._visits = Meter(600, 5.0)

    def headers(self, exchange: Exchange, path: str, limit: int | None, symbol: str, now_ms: int) -> dict[str, str]:
        """Count one request and return the usage headers of its answer."""
        if exchange == "binance":
            used = self._weight.spend(weight_of(path, limit, symbol))
            return {"X-MBX-USED-WEIGHT-1M": str(used)}
        if exchange == "bybit":
            left = max(0, self._visits.capacity - self._visits.spend(1))
            return {
                "X-Bapi-Limit": str(self._visits.capacity),
                "X-Bapi-Limit-Status": str(left),
                "X-Bapi-Limit-Reset-Timestamp": str(now_ms + 5000),
            }
        return {}
