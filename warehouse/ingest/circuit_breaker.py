"""What a run has learnt of one host: how long it wants to be left in peace, and whether it is worth asking at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from transforms.exchanges.protocol import ExchangeError

_SILENCES_UNTIL_DOWN = 3


class UnreachableError(ExchangeError):
    """No connection to the host."""

    outcome = "unreachable"


class HostClosedError(Exception):
    """The host is left alone for the rest of the run; nothing was sent."""

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome, self.reason = outcome, reason


@dataclass
class CircuitBreaker:
    """Shared by all requests to one host. A pause holds for all of them; so does a closing."""

    closed: HostClosedError | None = None
    quiet_until_ms: int = 0
    answers: int = 0
    _silences: int = 0
    _lock: Lock = field(default_factory=Lock)

    def check(self) -> None:
        """Raises HostClosedError when the host is to be left alone."""
        if self.closed is not None:
            raise HostClosedError(self.closed.outcome, self.closed.reason)

    def close(self, outcome: str, reason: str) -> None:
        """No more requests to this host. The first reason stands."""
        with self._lock:
            self.closed = self.closed or HostClosedError(outcome, reason)

    def pause_until(self, until_ms: int) -> None:
        """No request to this host before `until_ms` (unix ms)."""
        with self._lock:
            self.quiet_until_ms = max(self.quiet_until_ms, until_ms)

    def answered(self) -> None:
        """Something came back, whatever it was."""
        with self._lock:
            self.answers += 1
            self._silences = 0

    def silent(self, answers_before: int, error: ExchangeError) -> None:
        """A request used up its attempts without an answer, having begun when there had been `answers_before`.

        If nobody else was answered meanwhile, it is the host and not the request: at once when it takes no connections,
        after a few requests when it takes them and says nothing.
        """
        with self._lock:
            if self.answers != answers_before:
                return
            self._silences += 1
            down = isinstance(error, UnreachableError) or self._silences >= _SILENCES_UNTIL_DOWN
        if down:
            self.close(UnreachableError.outcome, f"host is down: {error.reason}")
