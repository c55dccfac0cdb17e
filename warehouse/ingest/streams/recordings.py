"""Recordings of liquidation streams on disk: a file for each exchange and hour, until a run has taken it in.

The listener appends and nothing else, and a line is in the system's hands once it is written, so both may be killed at
any moment. The run that collects makes a payload of every file whose hour is over; when its tables are published the
file goes.
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
from transforms.tables import payloads
from warehouse.clock import HOUR, from_ms, to_ms
from warehouse.storage.store import Store

PAYLOADS = table("payloads")
_NAME = "%Y-%m-%dT%H"
_HOUR_MS = 3_600_000
# A quiet stream's last sign of life in an hour is written with its next one.
_FINAL_AFTER = timedelta(minutes=1)


class Recorder:
    """Writes down one exchange's stream as it is heard, with the time from `clock` (unix ms)."""

    def __init__(self, root: Path, exchange: str, clock: Callable[[], int]) -> None:
        self._folder = _folder(root, exchange)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self._file: FileIO | None = None
        self._hour_ms = 0
        self._subscription: dict[str, object] | None = None

    def said(self, message: str) -> int:
        """A message. Returns when it came."""
        return self._write({"said": message}, proof=True)

    def alive(self) -> None:
        """The exchange answered: whatever it sent before has come."""
        self._write({"mark": recording.ALIVE}, proof=True)

    def connected(self) -> int:
        """A connection stands, without a subscription so far. Returns since when."""
        self._subscription = None
        return self._write({"mark": recording.CONNECTED})

    def subscribed(self, instruments: list[str] | None) -> None:
        """From here on all is heard, of these contracts or (None) of all."""
        about: dict[str, object] = {"mark": recording.SUBSCRIBED, "instruments": instruments}
        self._write(about)
        self._subscription = about

    def disconnected(self, why: str) -> None:
        """The connection is gone."""
        self._subscription = None
        self._write({"mark": recording.DISCONNECTED, "why": why})

    def close(self) -> None:
        """Lets go of the file."""
        if self._file is not None:
            self._file.close()

    def _write(self, what: dict[str, object], *, proof: bool = False) -> int:
        at_ms = self._clock()
        begin_ms = (at_ms - recording.LATENESS_MS) // _HOUR_MS * _HOUR_MS + recording.LATENESS_MS
        if self._file is None or begin_ms != self._hour_ms:
            self._turn(begin_ms, unbroken=proof and self._subscription is not None)
        self._append(at_ms, what)
        return at_ms

    def _turn(self, begin_ms: int, *, unbroken: bool) -> None:
        """Goes on in the file of another hour. A connection that outlived the hour was listened to up to its end."""
        if unbroken:
            self._append(self._hour_ms + _HOUR_MS, {"mark": recording.ALIVE})
        self.close()
        name = from_ms(begin_ms - recording.LATENESS_MS + _HOUR_MS).strftime(_NAME)
        path = self._folder / f"{name}.jsonl"
        torn = path.is_file()  # perhaps: whoever wrote it before may have been killed within a line
        self._file, self._hour_ms = FileIO(path, "ab"), begin_ms
        if torn:
            self._file.write(b"\n")
        if unbroken and self._subscription is not None:
            self._append(begin_ms, self._subscription)

    def _append(self, at_ms: int, what: dict[str, object]) -> None:
        if self._file is not None:
            self._file.write(recording.line(at_ms, **what))


def recorded_hours(root: Path, exchanges: Iterable[str], last: datetime) -> list[datetime]:
    """The hours up to `last` of which there is a recording whose tables are not published."""
    return sorted({hour for exchange in exchanges for hour, _ in _files(root, exchange, last)})


def take_in(store: Store, exchange: str, source: str, last: datetime, now: datetime) -> int:
    """Makes payloads of the recordings of hours up to `last` that are over; once, however often. Returns how many.

    The caller holds the exchange's lock.
    """
    taken = 0
    for hour, path in _files(store.root, exchange, last):
        if now >= hour + _FINAL_AFTER and (made := _payload(exchange, source, hour, path.read_bytes())) is not None:
            key = {"exchange": exchange, "date": made["date"].item()}
            both = pl.concat([store.read(PAYLOADS, [key]), made])
            store.write(PAYLOADS, both.unique(PAYLOADS.grain, keep="last", maintain_order=True), key)
            taken += 1
    return taken


def forget(store: Store, exchanges: Iterable[str], last: datetime) -> None:
    """Removes the recordings up to `last` that are payloads, now that their tables are published."""
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
    asked = Request(exchange, recording.ENDPOINT, path, start_ms=to_ms(hour - HOUR), end_ms=to_ms(hour))
    return payloads.build([(asked, min(times), Response(101, {}, body, max(times)))], source=source)


def _files(root: Path, exchange: str, last: datetime) -> Iterator[tuple[datetime, Path]]:
    for path in sorted(_folder(root, exchange).glob("*.jsonl")):
        hour = datetime.strptime(path.stem, _NAME)  # noqa: DTZ007 - naive and UTC, as all times inside the house
        if hour <= last:
            yield hour, path


def _folder(root: Path, exchange: str) -> Path:
    return root / "raw" / "streams" / exchange
