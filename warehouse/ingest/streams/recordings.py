"""Recordings of liquidation streams on disk: one file per exchange and hour, until a run has stored it as a payload.

The listener only appends, and the operating system holds every line once written, so listener and run may be killed at
any time. The collecting run stores every file of a closed hour as a payload, and deletes it once the tables are
published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from io import FileIO
from pathlib import Path

import polars as pl

from expectations.tables import table
from transforms.exchanges import recording
from transforms.exchanges.protocol import Request, Response
from transforms.hourly.hours import HOUR, HOUR_MS
from transforms.tables import payloads
from warehouse.clock import from_ms, to_ms
from warehouse.storage.store import Store

PAYLOADS = table("payloads")
_NAME = "%Y-%m-%dT%H"
# The end of an hour is recorded with the first message or pong after it.
_FINAL_AFTER = timedelta(minutes=1)


class Recorder:
    """A recorder of one exchange's stream, with the time of receipt from `clock` (unix ms)."""

    def __init__(self, root: Path, exchange: str, clock: Callable[[], int]) -> None:
        self._folder = _folder(root, exchange)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self._file: FileIO | None = None
        self._hour_ms = 0
        self._subscription: dict[str, object] | None = None

    def record_message(self, message: str) -> int:
        """Record a message. Returns its time of receipt."""
        return self._write({"said": message}, alive=True)

    def record_alive(self) -> None:
        """Record that the exchange answered: all messages sent before have arrived."""
        self._write({"mark": recording.ALIVE}, alive=True)

    def record_connected(self) -> int:
        """Record a connection, not subscribed yet. Returns its time."""
        self._subscription = None
        return self._write({"mark": recording.CONNECTED})

    def record_subscribed(self, instruments: list[str] | None) -> None:
        """Record that every event arrives from now on, of these contracts or (None) of all."""
        mark: dict[str, object] = {"mark": recording.SUBSCRIBED, "instruments": instruments}
        self._write(mark)
        self._subscription = mark

    def record_disconnected(self, why: str) -> None:
        """Record the end of the connection, and its reason."""
        self._subscription = None
        self._write({"mark": recording.DISCONNECTED, "why": why})

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _write(self, fields: dict[str, object], *, alive: bool = False) -> int:
        at_ms = self._clock()
        begin_ms = (at_ms - recording.LATENESS_MS) // HOUR_MS * HOUR_MS + recording.LATENESS_MS
        if self._file is None or begin_ms != self._hour_ms:
            self._switch_file(begin_ms, unbroken=alive and self._subscription is not None)
        self._append(at_ms, fields)
        return at_ms

    def _switch_file(self, begin_ms: int, *, unbroken: bool) -> None:
        """Continue in the file of another hour. An unbroken connection covered the last hour to its end."""
        if unbroken:
            self._append(self._hour_ms + HOUR_MS, {"mark": recording.ALIVE})
        self.close()
        name = from_ms(begin_ms - recording.LATENESS_MS + HOUR_MS).strftime(_NAME)
        path = self._folder / f"{name}.jsonl"
        torn = path.is_file()  # perhaps: its former writer may have been killed within a line
        self._file, self._hour_ms = FileIO(path, "ab"), begin_ms
        if torn:
            self._file.write(b"\n")
        if unbroken and self._subscription is not None:
            self._append(begin_ms, self._subscription)

    def _append(self, at_ms: int, fields: dict[str, object]) -> None:
        if self._file is not None:
            self._file.write(recording.line(at_ms, **fields))


def recorded_hours(root: Path, exchanges: Iterable[str], last: datetime) -> list[datetime]:
    """Return the hours up to `last` with a recording and without published tables."""
    return sorted({hour for exchange in exchanges for hour, _ in _files(root, exchange, last)})


def store_recordings(store: Store, exchange: str, source: str, last: datetime, now: datetime) -> int:
    """Store the recordings of closed hours up to `last` as payloads. Returns their number.

    A repeated call replaces the same payloads. The caller holds the exchange's lock.
    """
    count = 0
    for hour, path in _files(store.root, exchange, last):
        if now >= hour + _FINAL_AFTER and (payload := _payload(exchange, source, hour, path.read_bytes())) is not None:
            key = {"exchange": exchange, "date": payload["date"].item()}
            both = pl.concat([store.read(PAYLOADS, [key]), payload])
            store.write(PAYLOADS, both.unique(PAYLOADS.grain, keep="last", maintain_order=True), key)
            count += 1
    return count


def delete_stored(store: Store, exchanges: Iterable[str], last: datetime) -> None:
    """Delete the recordings up to `last` that are stored as payloads; call it once their tables are published."""
    for exchange in exchanges:
        for hour, path in _files(store.root, exchange, last):
            stored = store.read(PAYLOADS, [{"exchange": exchange, "date": (hour - HOUR).date()}], ["sha256"])
            if payloads.digest(path.read_bytes()) in stored["sha256"]:
                path.unlink()


def _payload(exchange: str, source: str, hour: datetime, body: bytes) -> pl.DataFrame | None:
    times = [line["at"] for line in recording.read(body)]
    if not times:
        return None
    path = recording.STREAMS[exchange].PATH
    request = Request(exchange, recording.ENDPOINT, path, start_ms=to_ms(hour - HOUR), end_ms=to_ms(hour))
    return payloads.build([(request, min(times), Response(101, {}, body, max(times)))], source=source)


def _files(root: Path, exchange: str, last: datetime) -> Iterator[tuple[datetime, Path]]:
    for path in sorted(_folder(root, exchange).glob("*.jsonl")):
        hour = datetime.strptime(path.stem, _NAME)  # noqa: DTZ007 - naive and UTC, as all times in the warehouse
        if hour <= last:
            yield hour, path


def _folder(root: Path, exchange: str) -> Path:
    return root / "raw" / "streams" / exchange
