"""The circuit breaker of a host: pauses its requests, or stops them for the rest of the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from transforms.exchanges.protocol import ExchangeError

_SILENCES_UNTIL_DOWN = 3


class UnreachableError(ExchangeError):
    """No connection to the host."""

    outcome = "unreachable"


class CircuitOpenError(Exception):
    """The host gets no more requests in this run; nothing was sent."""

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome, self.reason = outcome, reason


@dataclass
class CircuitBreaker:
    """The state that all requests to one host share: a pause, and after a trip no requests at all."""

    tripped: CircuitOpenError | None = None
    paused_until_ms: int = 0
    answer_count: int = 0
    _silences: int = 0
    _lock: Lock = field(default_factory=Lock)

    def check(self) -> None:
        """Raise CircuitOpenError if the breaker has tripped."""
        if self.tripped is not None:
            raise CircuitOpenError(self.tripped.outcome, self.tripped.reason)

    def trip(self, outcome: str, reason: str) -> None:
        """Stop all further requests to this host. Of several reasons the first is reported."""
        with self._lock:
            self.tripped = self.tripped or CircuitOpenError(outcome, reason)

    def pause_until(self, until_ms: int) -> None:
        """Pause all requests to this host until `until_ms` (unix ms)."""
        with self._lock:
            self.paused_until_ms = max(self.paused_until_ms, until_ms)

    def record_answer(self) -> None:
        """Count an answer, whatever its content."""
        with self._lock:
            self.answer_count += 1
            self._silences = 0

    def record_silence(self, answers_before: int, error: ExchangeError) -> None:
        """Record a request that used up its attempts without an answer; it began after `answers_before` answers.

        If no other request was answered meanwhile, the host is at fault, not the request. The breaker trips at once if
        the host accepts no connection, and after a few requests if it accepts them but does not answer.
        """
        with self._lock:
            if self.answer_count != answers_before:
                return
            self._silences += 1
            down = isinstance(error, UnreachableError) or self._silences >= _SILENCES_UNTIL_DOWN
        if down:
            self.trip(UnreachableError.outcome, f"host is down: {error.reason}")
