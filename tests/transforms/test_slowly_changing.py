"""Versions: opened when something differs, closed when the next begins, and the same however often a day is read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.rules import rules
from expectations.tables import table
from transforms.slowly_changing import append_versions, as_of

TABLE = table("margin_tiers")
START = datetime.fromisoformat("2026-01-05T00:00:00")


def at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


def ladder(hour: int, *rates: float, instrument: str = "BTCUSDT") -> pl.DataFrame:
    """The tiers of one instrument as seen at an hour, one a rate."""
    same = {"exchange": "binance", "instrument": instrument, "coin": instrument[:3], "valid_from_utc": at(hour)}
    same |= {"bound_unit": "usd", "deduction": 0.0, "max_leverage_x": 10.0, "tier_origin": "reported"}
    rows: list[dict[str, Any]] = [
        same | {"tier": n, "tier_floor": n - 1.0, "tier_cap": float(n), "maintenance_rate": rate}
        for n, rate in enumerate(rates, start=1)
    ]
    return TABLE.conform(pl.DataFrame(rows, schema=TABLE.schema, orient="row"))


def seen(known: pl.DataFrame, *observed: pl.DataFrame) -> pl.DataFrame:
    return append_versions(TABLE, known, pl.concat([TABLE.empty(), *observed]))


def spans(versions: pl.DataFrame, instrument: str = "BTCUSDT") -> list[tuple[int, int | None, int]]:
    """(from hour, to hour, tiers) of each version."""
    own = versions.filter(pl.col("instrument") == instrument)
    grouped = own.group_by("valid_from_utc", "valid_to_utc").len().sort("valid_from_utc")
    hours = [
        [None if t is None else round((t - START) / timedelta(hours=1)) for t in row[:2]] for row in grouped.rows()
    ]
    return [(h[0], h[1], n) for h, n in zip(hours, grouped["len"], strict=True)]


def test_the_first_sight_opens_a_version() -> None:
    assert spans(seen(TABLE.empty(), ladder(3, 0.004, 0.005))) == [(3, None, 2)]


def test_the_same_again_stays_one_version() -> None:
    known = seen(TABLE.empty(), ladder(3, 0.004, 0.005))
    assert seen(known, ladder(5, 0.004, 0.005)).equals(known)


@pytest.mark.parametrize("rates", [(0.004, 0.006), (0.004,), (0.004, 0.005, 0.006)])
def test_any_tier_changed_gone_or_added_makes_a_whole_version(rates: tuple[float, ...]) -> None:
    known = seen(TABLE.empty(), ladder(3, 0.004, 0.005))
    assert spans(seen(known, ladder(5, *rates))) == [(3, 5, 2), (5, None, len(rates))]


def test_who_is_not_observed_keeps_its_version() -> None:
    known = seen(TABLE.empty(), ladder(3, 0.004), ladder(3, 0.004, instrument="ETHUSDT"))
    after = seen(known, ladder(5, 0.005))
    assert spans(after) == [(3, 5, 1), (5, None, 1)]
    assert spans(after, "ETHUSDT") == [(3, None, 1)]


def test_there_and_back_again_is_three_versions() -> None:
    after = seen(TABLE.empty(), ladder(1, 0.004), ladder(2, 0.005), ladder(3, 0.004))
    assert spans(after) == [(1, 2, 1), (2, 3, 1), (3, None, 1)]


def test_a_correction_of_the_same_moment_replaces_it() -> None:
    known = seen(TABLE.empty(), ladder(1, 0.004), ladder(2, 0.005))
    after = seen(known, ladder(2, 0.006))
    assert spans(after) == [(1, 2, 1), (2, None, 1)]
    assert after["maintenance_rate"].to_list() == [0.004, 0.006]


def test_what_held_at_an_earlier_moment_says_nothing_new() -> None:
    known = seen(TABLE.empty(), ladder(1, 0.004), ladder(4, 0.005))
    assert seen(known, ladder(2, 0.004)).equals(known)


def test_the_version_that_holds() -> None:
    versions = seen(TABLE.empty(), ladder(2, 0.004), ladder(4, 0.005))
    held = [as_of(versions, at(h))["maintenance_rate"].to_list() for h in (0, 2, 3, 4, 9)]
    assert held == [[0.004], [0.004], [0.004], [0.005], [0.005]]  # the first is taken to hold before it, too


@settings(deadline=None, max_examples=30)
@given(rates=st.lists(st.sampled_from([(0.004,), (0.005,), (0.004, 0.005)]), min_size=1, max_size=6), again=st.data())
def test_read_in_any_portions_and_twice_the_versions_are_the_same(
    rates: list[tuple[float, ...]], again: st.DataObject
) -> None:
    observed = [ladder(h, *r) for h, r in enumerate(rates)]
    whole = seen(TABLE.empty(), *observed)
    one_by_one = TABLE.empty()
    for each in observed:
        one_by_one = seen(one_by_one, each)
    assert one_by_one.equals(whole)
    # a run reads the payloads of the newest version's day again, from any hour on
    assert seen(whole, *observed[again.draw(st.integers(0, len(rates) - 1)) :]).equals(whole)
    for hour, expected in enumerate(rates):
        assert tuple(as_of(whole, at(hour))["maintenance_rate"]) == expected


@settings(deadline=None, max_examples=30)
@given(order=st.permutations([(0, 0.004), (1, 0.004), (2, 0.005), (3, 0.006), (4, 0.006)]))
def test_versions_never_overlap_in_whatever_order_they_are_seen(order: list[tuple[int, float]]) -> None:
    instruments = TABLE.empty()
    for hour, rate in order:
        instruments = seen(instruments, ladder(hour, rate))
        ends = instruments["valid_to_utc"].to_list()
        assert ends == [*instruments["valid_from_utc"].to_list()[1:], None]
        unique = [r.holds for r in rules(TABLE) if r.check == "grain_is_unique"]
        assert instruments.select(pl.all_horizontal(unique)).to_series().all()
