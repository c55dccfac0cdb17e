"""Faults on demand, which make an exchange fail in its own way."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Literal, get_args

FaultKind = Literal[
    "429", "418", "451", "403", "404", "500", "502", "503", "504",  # the exchange's own body for that status
    "rate_200",  # status 200, too many requests: Bybit 10006, OKX 50011 (Binance has none: 429)
    "busy_200",  # status 200, busy: Bybit 10016, OKX 50013 (Binance has none: 503)
    "geo_html",  # CloudFront's or a firewall's page, status 403
    "html",  # a maintenance page, status 200
    "truncated",  # the right answer, cut off, status 200
    "empty",  # no body, status 200
    "no_rows",  # the right envelope without rows, status 200
    "slow",  # the right answer, delayed
]  # fmt: skip
KINDS: tuple[FaultKind, ...] = get_args(FaultKind)


@dataclass(frozen=True)
class Fault:
    """One fault. ``path`` is a regular expression, searched in path and query; with ``times`` None it never expires."""

    kind: FaultKind
    path: str = ".*"
    times: int | None = None
    retry_after: float | None = None  # seconds, for 429 and 418
    seconds: float = 1.0  # delay of kind slow


class Faults:
    """The active faults, oldest first. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._active: list[tuple[Fault, re.Pattern[str]]] = []
        self._left: list[int | None] = []

    def add(self, *faults: Fault) -> None:
        """Activate faults. Raises ValueError for an unknown kind."""
        for fault in faults:
            if fault.kind not in KINDS:
                raise ValueError(f"unknown kind of fault {fault.kind!r}; use one of {', '.join(KINDS)}")
        with self._lock:
            for fault in faults:
                self._active.append((fault, re.compile(fault.path)))
                self._left.append(fault.times)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._active.clear()
            self._left.clear()

    def active(self) -> list[tuple[Fault, int | None]]:
        """Return the active faults with the number of requests that each will still hit; None means no limit."""
        with self._lock:
            return [(fault, left) for (fault, _), left in zip(self._active, self._left, strict=True)]

    def strike(self, target: str) -> Fault | None:
        """Return the first fault that matches a request, and count it down; None if none matches."""
        with self._lock:
            for index, (fault, pattern) in enumerate(self._active):
                if not pattern.search(target):
                    continue
                left = self._left[index]
                if left is not None:
                    self._left[index] = left - 1
                    if left <= 1:
                        del self._active[index], self._left[index]
                return fault
            return None


def _number(row: dict[str, object], name: str) -> float | None:
    value = row.get(name)
    if value is not None and not isinstance(value, int | float):
        raise ValueError(f"{name} of a fault must be a number, not {value!r}")
    return value


def parse_faults(rows: Iterable[dict[str, object]]) -> list[Fault]:
    """Parse faults from JSON objects with the fields of ``Fault``. Raises ValueError for an invalid object."""
    faults = []
    for row in rows:
        unknown = set(row) - {"kind", "path", "times", "retry_after", "seconds"}
        kind = next((known for known in KINDS if known == row.get("kind")), None)
        if unknown or kind is None:
            raise ValueError(f"not a fault: {row}; its kind must be one of {', '.join(KINDS)}")
        times, seconds = _number(row, "times"), _number(row, "seconds")
        faults.append(
            Fault(
                kind=kind,
                path=str(row.get("path", ".*")),
                times=None if times is None else int(times),
                retry_after=_number(row, "retry_after"),
                seconds=1.0 if seconds is None else seconds,
            )
        )
    return faults
