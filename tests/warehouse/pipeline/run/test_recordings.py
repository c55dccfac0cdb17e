"""Stream recordings reach the tables once, with the hourly run, whenever they were recorded."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.warehouse.trial import MADE, NOW, A, Trial, differing
from transforms.exchanges import recording
from transforms.hourly.hours import HOUR
from warehouse.clock import to_ms
from warehouse.ingest.streams.recordings import Recorder, recorded_hours, store_recordings
from warehouse.simulator import Simulation
from warehouse.storage.store import Store

SECOND = timedelta(seconds=1)


class Clock:
    """A clock set by a test."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> int:
        return to_ms(self.now)


def record(root: Path, exchange: str, hour: datetime, *, until: datetime | None = None, price: float = 90_000.0) -> int:
    """Record the hour that ends at `hour`, or its part up to `until`, with one event; return the event's time in ms.

    The first ten seconds go to the file of the hour before.
    """
    begun, clock = hour - HOUR, Clock(hour - HOUR)
    recorder = Recorder(root, exchange, clock)
    recorder.record_connected()
    recorder.record_subscribed(["BTCUSDT"] if exchange == "bybit" else None)
    clock.now = begun + 60 * SECOND
    event_ms = to_ms(clock.now)
    if exchange == "bybit":
        event = {"T": event_ms, "s": "BTCUSDT", "S": "Buy", "v": "2", "p": str(price)}
        recorder.record_message(json.dumps({"topic": "allLiquidation.BTCUSDT", "data": [event]}))
    else:
        order = {"s": "BTCUSDT", "S": "BUY", "z": "2", "p": str(price), "T": event_ms}
        recorder.record_message(json.dumps({"e": "forceOrder", "o": order}))
    clock.now = until or hour + 9 * SECOND
    recorder.record_alive()
    if until is None:
        clock.now = hour + 20 * SECOND
        recorder.record_alive()
    recorder.close()
    return event_ms


def streamed(trial: Trial) -> pl.DataFrame:
    return trial.rows("payloads").filter(endpoint=recording.ENDPOINT)


@pytest.fixture
def trial(one_hour: Trial, exchanges: Simulation, tmp_path: Path) -> Trial:
    return one_hour.copied(tmp_path / "warehouse")


def test_recorded_hour_becomes_a_payload_and_rows(trial: Trial) -> None:
    hour = A + HOUR
    for exchange in ("binance", "bybit"):
        record(trial.root, exchange, hour)
    body = (trial.root / f"raw/streams/bybit/{hour:%Y-%m-%dT%H}.jsonl").read_bytes()
    summary = trial.run(hour)
    assert not summary.quarantined
    taken = streamed(trial).filter(window_end_utc=hour)
    assert taken.select("exchange", "status").rows() == [("binance", 101), ("bybit", 101)]
    assert taken["body"][1] == body
    events = trial.rows("realised_liquidations").filter(pl.col("exchange") != "okx")
    assert events.select("exchange", "side", "size_base", "completeness").rows() == [
        ("binance", "short", 2.0, "sampled"),
        ("bybit", "long", 2.0, "complete"),
    ]
    covered = trial.rows("realised_coverage").filter(pl.col("exchange") != "okx")
    assert covered.select("exchange", "hour_utc", "completeness").rows() == [
        ("binance", hour, "sampled"),
        ("bybit", hour, "complete"),
    ]
    swept = trial.rows("sweeps").filter(exchange="bybit", hour_utc=hour)
    assert swept.filter(side="long")["realised_usd"].to_list() == [180_000.0]
    assert swept.filter(side="short")["realised_usd"].to_list() == [0.0]


def test_recording_is_stored_once(trial: Trial) -> None:
    """The file of the current hour stays, and a second run changes nothing."""
    record(trial.root, "bybit", A + HOUR)
    trial.run(A + HOUR)
    left = recorded_hours(trial.root, ["bybit"], NOW)
    assert left == [A + 2 * HOUR]
    once = trial.files(*MADE, "raw/payloads")
    trial.run(A + HOUR)
    assert differing(once, trial.files(*MADE, "raw/payloads")) == []


def test_recording_stored_twice_before_publication_is_one_payload(trial: Trial) -> None:
    record(trial.root, "bybit", A + HOUR)
    for _ in range(2):
        assert store_recordings(Store(trial.root), "bybit", "simulated", A + HOUR, NOW) == 2
    trial.run(A + HOUR)
    assert streamed(trial)["window_end_utc"].to_list() == [A, A + HOUR]
    assert trial.rows("realised_liquidations").filter(exchange="bybit").height == 1


def test_hour_still_being_recorded_is_not_stored(trial: Trial) -> None:
    record(trial.root, "bybit", A + HOUR)
    store_recordings(Store(trial.root), "bybit", "simulated", A + HOUR, A + HOUR + 30 * SECOND)
    store_recordings(Store(trial.root), "bybit", "simulated", A, NOW)
    assert streamed(trial)["window_end_utc"].to_list() == [A]


def test_interrupted_hour_has_events_but_no_coverage(trial: Trial) -> None:
    hour = A + HOUR
    record(trial.root, "bybit", hour, until=hour - 30 * 60 * SECOND)
    trial.run(hour)
    assert trial.rows("realised_liquidations").filter(exchange="bybit").height == 1
    assert trial.rows("realised_coverage").filter(exchange="bybit").is_empty()
    assert trial.rows("sweeps").filter(exchange="bybit", hour_utc=hour)["realised_usd"].to_list() == [None, None]


def test_old_recording_reaches_the_tables_of_its_day(trial: Trial) -> None:
    """A listener was killed, and no run has requested its exchange since."""
    trial.run(A - 2 * 24 * HOUR)
    record(trial.root, "bybit", A - 2 * 24 * HOUR)
    trial.run(A + HOUR)
    assert trial.rows_of("realised_coverage", A - 2 * 24 * HOUR).filter(exchange="bybit").height == 1
    assert recorded_hours(trial.root, ["bybit"], A) == []


def test_empty_recording_is_not_stored(trial: Trial) -> None:
    path = trial.root / f"raw/streams/bybit/{A + HOUR:%Y-%m-%dT%H}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(b'{"at":17')
    trial.run(A + HOUR)
    assert streamed(trial).is_empty()
