"""Times of archived rows, derived from the price that each row implies."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.tables import table
from tests.transforms.exchanges.archive import DAY, DAY_MS, checksum_of, file_of, zipped
from transforms.exchanges.archive_timestamps import timed
from transforms.exchanges.protocol import Request, Response
from transforms.tables import open_interest, payloads, positioning

STEP = 300_000
JULY = int(datetime(2026, 7, 1, tzinfo=UTC).timestamp()) * 1000
"""A day with labels documented as five minutes early, in ms."""


def marks(seed: int = 1, days: int = 3, first_ms: int = DAY - DAY_MS, still: bool = False) -> dict[int, float]:
    """Return a mark price for each five minutes."""
    times = range(first_ms, first_ms + days * DAY_MS + 2 * STEP, STEP)
    moves = np.random.default_rng(seed).normal(0.0, 0.0 if still else 1e-3, len(times))
    return dict(zip(times, 90_000.0 * np.exp(np.cumsum(moves)), strict=True))


def file(path: dict[int, float], label_early_ms: int, day_ms: int = DAY, noise: float = 0.0) -> tuple[Request, bytes]:
    """Return the request and file of a day's snapshots, labelled `label_early_ms` before their time."""
    shaken = np.random.default_rng(5).normal(0.0, noise, 288)
    lines = [
        f"{at - label_early_ms},BTCUSDT,{units:.4f},{units * path[at] * np.exp(shaken[n]):.8f},1.5,1,3,1"
        for n, at in enumerate(range(day_ms + STEP, day_ms + DAY_MS + STEP, STEP))
        for units in [20_000.0 + n]
    ]
    asked = checksum_of("archive_metrics", day_ms)
    body = zipped(asked, "\n".join(lines))
    return file_of(asked, body), body


def stored(*files: tuple[Request, bytes]) -> pl.DataFrame:
    at = max(request.end_ms or 0 for request, _ in files) + DAY_MS
    return payloads.build([(request, at, Response(200, {}, body, at)) for request, body in files], source="simulated")


def frame(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = table(name).schema
    return table(name).conform(pl.DataFrame(rows, schema={c: schema[c] for c in rows[0]}, orient="row"))


def bars(path: dict[int, float], minutes: int = 5, kind: str = "mark", unit: float = 1.0) -> pl.DataFrame:
    length = minutes * 60_000
    every = {"exchange": "binance", "instrument": "BTCUSDT", "coin": "BTC", "interval_minutes": minutes}
    every |= {"price_kind": kind, "source": "simulated", "volume_base": 1.0, "taker_buy_base": 0.5}
    made = []
    for end, price in path.items():
        if end % length == 0:
            opened = datetime.fromtimestamp((end - length) // 1000, UTC).replace(tzinfo=None)
            prices = dict.fromkeys(("open", "high", "low", "close"), price / unit)
            made.append(every | prices | {"open_utc": opened, "date": opened.date()})
    return frame("price_bars", made)


def instruments(unit: float = 1.0) -> pl.DataFrame:
    about = {"exchange": "binance", "instrument": "BTCUSDT", "coin": "BTC", "quote": "USDT", "kind": "linear"}
    about |= {"contract_base": 1.0, "contract_usd": None, "unit_multiplier": unit, "tick": 0.1}
    about |= {"trading_status": "trading", "listed_utc": None, "source": "simulated"}
    about |= {"valid_from_utc": datetime(2020, 1, 1), "valid_to_utc": None}
    schema = table("instruments").schema
    return frame("instruments", [{c: v for c, v in about.items() if c in schema}])


def timed_interest(files: list[tuple[Request, bytes]], price_bars: pl.DataFrame, unit: float = 1.0) -> pl.DataFrame:
    return timed(stored(*files), "open_interest", price_bars, instruments(unit)).sort("time_ms")


def due(day_ms: int = DAY) -> list[int]:
    return list(range(day_ms + STEP, day_ms + DAY_MS + STEP, STEP))


@pytest.mark.parametrize("day_ms", [DAY, JULY])
@pytest.mark.parametrize("label_early_ms", [0, STEP])
@pytest.mark.parametrize("minutes", [5, 60])
def test_mark_price_decides_the_meaning_of_labels(day_ms: int, label_early_ms: int, minutes: int) -> None:
    """The mark decides against the documentation; hourly bars suffice."""
    path = marks(first_ms=day_ms - DAY_MS)
    came = timed_interest([file(path, label_early_ms, day_ms)], bars(path, minutes))
    assert came["time_ms"].to_list() == due(day_ms)
    assert came["reported"].to_list() == [20_000.0 + n for n in range(288)]
    assert set(came["origin"]) == {"history"}
    assert (
        came.columns == timed(stored(file(path, 0, day_ms)).clear(), "open_interest", bars(path), instruments()).columns
    )


def test_each_file_is_timed_separately() -> None:
    """The days before and after a change of labels agree on the midnight between them."""
    path = marks()
    came = timed_interest([file(path, 0), file(path, STEP, DAY + DAY_MS)], bars(path))
    assert came["time_ms"].to_list() == due() + due(DAY + DAY_MS)


@settings(deadline=None, derandomize=True, database=None, max_examples=25)
@given(seed=st.integers(0, 10**6), early=st.sampled_from([0, STEP]), noise=st.floats(0.0, 2e-4))
def test_noisy_prices_still_decide_the_times(seed: int, early: int, noise: float) -> None:
    path = marks(seed)
    assert timed_interest([file(path, early, noise=noise)], bars(path))["time_ms"].to_list() == due()


def test_undecidable_times_follow_documentation_with_origin_archive() -> None:
    path, still = marks(), marks(still=True)
    elsewhere = bars(marks(first_ms=DAY + 10 * DAY_MS))
    hour = {at: price for at, price in path.items() if DAY <= at < DAY + 50 * 60_000}
    for of_file, price_bars in (
        (path, bars(path).clear()),
        (path, elsewhere),
        (path, bars(path, kind="trade")),
        (path, bars(hour)),
        (still, bars(still)),
        (marks(seed=9), bars(path)),
    ):
        for early in (0, STEP):
            came = timed_interest([file(of_file, early)], price_bars)
            assert came["time_ms"].to_list() == [at - early for at in due()]
            assert set(came["origin"]) == {"archive"}


def test_units_of_a_thousand_coins_are_timed() -> None:
    path = marks()
    came = timed_interest([file(path, STEP)], bars(path, unit=1000.0), unit=1000.0)
    assert came["time_ms"].to_list() == due()


def test_ratios_take_the_times_of_their_file() -> None:
    path = marks()
    came = timed(stored(file(path, STEP)), "positioning", bars(path), instruments()).sort("time_ms")
    assert came["time_ms"].to_list() == due()
    assert set(came["long_account_share"]) == {0.75}


def test_tables_take_the_confirmed_time() -> None:
    path = marks()
    about = {"payloads": stored(file(path, STEP)), "instruments": instruments(), "price_bars": bars(path)}
    interest = open_interest.build(**about).sort("time_utc")
    ratios = positioning.build(**about).sort("time_utc")
    first = datetime.fromtimestamp(due()[0] // 1000, UTC).replace(tzinfo=None)
    for made in (interest, ratios):
        assert (made["time_utc"][0], len(made)) == (first, 288)
    assert interest["date"].value_counts().sort("date").rows() == [(date(2026, 1, 5), 287), (date(2026, 1, 6), 1)]
    assert interest["mark_price"].to_list() == pytest.approx([path[at] for at in due()])
    unsure = open_interest.build(**{**about, "price_bars": bars(path).clear()})
    assert set(unsure["origin"]) == {"archive"}


def test_rest_answers_keep_their_times() -> None:
    request = replace(checksum_of("archive_metrics"), endpoint="open_interest_history", path="/futures/data/x")
    body = f'[{{"symbol":"BTCUSDT","sumOpenInterest":"1","sumOpenInterestValue":"2","timestamp":{DAY + STEP}}}]'
    came = timed_interest([(request, body.encode())], bars(marks()))
    assert came.select("time_ms", "origin").rows() == [(DAY + STEP, "history")]
