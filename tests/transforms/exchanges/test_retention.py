"""Sources of a backfill: every hour of every series once, from the best source that still has it."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.exchanges import ADAPTERS
from transforms.exchanges.retention import retention

NOW = datetime(2026, 11, 20, 12, 5)
HOUR = timedelta(hours=1)


@given(exchange=st.sampled_from(sorted(ADAPTERS)), back=st.integers(0, 4000), length=st.integers(0, 3000))
def test_every_hour_of_every_series_has_one_source(exchange: str, back: int, length: int) -> None:
    first = datetime(2026, 11, 20, 12) - back * HOUR
    last = min(first + length * HOUR, datetime(2026, 11, 20, 12))
    made = retention(exchange, first, last, NOW)
    assert {each.series for each in made} == {"open interest", "price bars", "realised liquidations"}
    for series in {each.series for each in made}:
        own = sorted((each for each in made if each.series == series), key=lambda each: each.first)
        assert (own[0].first, own[-1].last) == (first, last)
        assert {later.first - earlier.last for earlier, later in pairwise(own)} <= {HOUR}
    assert all(each.note for each in made if not each.source)  # an unavailable range states its reason


@pytest.mark.parametrize(
    ("exchange", "days", "sources"),
    [
        ("binance", 10, ["REST"]),
        ("binance", 40, ["REST", "archive"]),
        ("bybit", 400, ["REST"]),
        ("okx", 10, ["REST", "REST, hourly"]),
        ("okx", 90, ["REST", "REST, hourly", ""]),
    ],
)
def test_open_interest_sources_depend_on_age(exchange: str, days: int, sources: list[str]) -> None:
    made = retention(exchange, datetime(2026, 11, 20) - timedelta(days=days), datetime(2026, 11, 20), NOW)
    assert [each.source for each in made if each.series == "open interest"] == sources
