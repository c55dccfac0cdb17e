"""Versions: opened at a difference, closed by the next version, and independent of repeated reads."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.tables import table
from expectations.validation.rules import rules
from tests.transforms.stated_parameters import stated_parameters
from transforms.reference.versions import append_versions, as_of, in_force

TABLE = table("margin_tiers")
START = datetime.fromisoformat("2026-01-05T00:00:00")


def at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


def ladder(hour: int, *rates: float, instrument: str = "BTCUSDT") -> pl.DataFrame:
    """Return the tiers of one instrument observed at an hour, one per rate."""
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
    """Return (from hour, to hour, number of tiers) of each version."""
    own = versions.filter(pl.col("instrument") == instrument)
    grouped = own.group_by("valid_from_utc", "valid_to_utc").len().sort("valid_from_utc")
    hours = [
        [None if t is None else round((t - START) / timedelta(hours=1)) for t in row[:2]] for row in grouped.rows()
    ]
    return [(h[0], h[1], n) for h, n in zip(hours, grouped["len"], strict=True)]


def test_first_observation_opens_a_version() -> None:
    assert spans(seen(TABLE.empty(), ladder(3, 0.004, 0.005))) == [(3, None, 2)]


def test_repeated_observation_keeps_one_version() -> None:
    known = seen(TABLE.empty(), ladder(3, 0.004, 0.005))
    assert seen(known, ladder(5, 0.004, 0.005)).equals(known)


@pytest.mark.parametrize("rates", [(0.004, 0.006), (0.004,), (0.004, 0.005, 0.006)])
def test_any_tier_change_opens_a_complete_version(rates: tuple[float, ...]) -> None:
    known = seen(TABLE.empty(), ladder(3, 0.004, 0.005))
    assert spans(seen(known, ladder(5, *rates))) == [(3, 5, 2), (5, None, len(rates))]


def test_unobserved_instrument_keeps_its_version() -> None:
    known = seen(TABLE.empty(), ladder(3, 0.004), ladder(3, 0.004, instrument="ETHUSDT"))
    after = seen(known, ladder(5, 0.005))
    assert spans(after) == [(3, 5, 1), (5, None, 1)]
    assert spans(after, "ETHUSDT") == [(3, None, 1)]


def test_change_and_reversal_are_three_versions() -> None:
    after = seen(TABLE.empty(), ladder(1, 0.004), ladder(2, 0.005), ladder(3, 0.004))
    assert spans(after) == [(1, 2, 1), (2, 3, 1), (3, None, 1)]


def test_correction_at_the_same_hour_replaces_the_version() -> None:
    known = seen(TABLE.empty(), ladder(1, 0.004), ladder(2, 0.005))
    after = seen(known, ladder(2, 0.006))
    assert spans(after) == [(1, 2, 1), (2, None, 1)]
    assert after["maintenance_rate"].to_list() == [0.004, 0.006]


def test_confirmation_of_an_earlier_hour_changes_nothing() -> None:
    known = seen(TABLE.empty(), ladder(1, 0.004), ladder(4, 0.005))
    assert seen(known, ladder(2, 0.004)).equals(known)


def test_as_of_returns_the_version_in_force() -> None:
    versions = seen(TABLE.empty(), ladder(2, 0.004), ladder(4, 0.005))
    held = [as_of(versions, at(h))["maintenance_rate"].to_list() for h in (0, 2, 3, 4, 9)]
    assert held == [[0.004], [0.004], [0.004], [0.005], [0.005]]  # the first version also holds before its start


@settings(deadline=None, max_examples=30)
@given(rates=st.lists(st.sampled_from([(0.004,), (0.005,), (0.004, 0.005)]), min_size=1, max_size=6), again=st.data())
def test_versions_do_not_depend_on_batches_or_rereads(rates: list[tuple[float, ...]], again: st.DataObject) -> None:
    observed = [ladder(h, *r) for h, r in enumerate(rates)]
    whole = seen(TABLE.empty(), *observed)
    one_by_one = TABLE.empty()
    for each in observed:
        one_by_one = seen(one_by_one, each)
    assert one_by_one.equals(whole)
    # a run may reread the payloads of the newest version's day, from any hour on
    assert seen(whole, *observed[again.draw(st.integers(0, len(rates) - 1)) :]).equals(whole)
    for hour, expected in enumerate(rates):
        assert tuple(as_of(whole, at(hour))["maintenance_rate"]) == expected


@settings(deadline=None, max_examples=30)
@given(order=st.permutations([(0, 0.004), (1, 0.004), (2, 0.005), (3, 0.006), (4, 0.006)]))
def test_versions_never_overlap_in_any_order(order: list[tuple[int, float]]) -> None:
    instruments = TABLE.empty()
    for hour, rate in order:
        instruments = seen(instruments, ladder(hour, rate))
        ends = instruments["valid_to_utc"].to_list()
        assert ends == [*instruments["valid_from_utc"].to_list()[1:], None]
        unique = [r.holds for r in rules(TABLE) if r.check == "grain_is_unique"]
        assert instruments.select(pl.all_horizontal(unique)).to_series().all()


def held(
    versions: pl.DataFrame, first: int, last: int, instrument: str = "BTCUSDT"
) -> list[tuple[int, int | None, int]]:
    """Return the spans of the versions in force from hour `first` to before hour `last`."""
    return spans(in_force(versions, TABLE.versions_of, at(first), at(last)), instrument)


@pytest.fixture(scope="module")
def three() -> pl.DataFrame:
    """Return versions from hours 2, 4 and 8 on, with one, two and three tiers."""
    return seen(TABLE.empty(), ladder(2, 0.004), ladder(4, 0.004, 0.005), ladder(8, 0.004, 0.005, 0.006))


def test_first_version_holds_before_its_start(three: pl.DataFrame) -> None:
    assert held(three, 0, 1) == held(three, 0, 2) == [(2, None, 1)]


def test_version_starting_at_the_window_end_is_not_in_force(three: pl.DataFrame) -> None:
    assert held(three, 5, 8) == [(4, None, 2)]
    assert held(three, 5, 9) == [(4, 8, 2), (8, None, 3)]


def test_valid_to_is_null_unless_within_the_window(three: pl.DataFrame) -> None:
    assert [held(three, 2, last) for last in (3, 4, 5)] == [
        [(2, None, 1)],
        [(2, None, 1)],
        [(2, 4, 1), (4, None, 2)],
    ]


def test_versions_superseded_before_the_window_are_excluded(three: pl.DataFrame) -> None:
    assert held(three, 3, 5) == [(2, 4, 1), (4, None, 2)]
    assert held(three, 4, 5) == [(4, None, 2)]  # the next version holds from that hour
    assert held(three, 9, 10) == [(8, None, 3)]


def test_window_over_all_versions_returns_all(three: pl.DataFrame) -> None:
    assert in_force(three, TABLE.versions_of, at(0), at(99)).equals(three)


def test_each_instrument_has_its_own_versions(three: pl.DataFrame) -> None:
    versions = seen(three, ladder(6, 0.01, 0.02, instrument="ETHUSDT"))
    assert held(versions, 4, 5) == [(4, None, 2)]
    assert held(versions, 4, 5, "ETHUSDT") == [(6, None, 2)]  # the first known version, though it begins later


def test_no_versions_are_in_force_in_an_empty_table() -> None:
    assert in_force(TABLE.empty(), TABLE.versions_of, at(0), at(9)).equals(TABLE.empty())


def test_in_force_keeps_columns_and_row_order(three: pl.DataFrame) -> None:
    some = in_force(three, TABLE.versions_of, at(4), at(9))
    assert some.schema == three.schema
    assert some.equals(TABLE.conform(some))


@settings(deadline=None, max_examples=50)
@given(
    starts=st.lists(st.integers(0, 12), min_size=1, max_size=5, unique=True),
    first=st.integers(0, 12),
    length=st.integers(1, 6),
)
def test_in_force_equals_as_of_over_the_window(starts: list[int], first: int, length: int) -> None:
    """Rates differ, so each start is a version; later versions do not affect earlier windows."""
    observed = [ladder(hour, 0.001 * n) for n, hour in enumerate(sorted(starts), start=1)]
    whole, last = seen(TABLE.empty(), *observed), first + length
    moments = pl.concat([as_of(whole, at(hour)) for hour in range(first, last)])
    found = in_force(whole, TABLE.versions_of, at(first), at(last))
    kept = [c for c in whole.columns if c != "valid_to_utc"]
    assert found.select(kept).equals(TABLE.conform(moments.unique()).select(kept))
    begun = [each for each, hour in zip(observed, sorted(starts), strict=True) if hour < last] or observed[:1]
    assert in_force(seen(TABLE.empty(), *begun), TABLE.versions_of, at(first), at(last)).equals(found)


PARAMETERS = table("model_parameters")


def parameters() -> pl.DataFrame:
    """Return the prior and fits for hours 4 and 8 of one exchange."""
    stated = stated_parameters()
    fits = [
        stated.filter(exchange="okx").with_columns(
            version=pl.lit(f"fit-{hour}"),
            basis=pl.lit("fitted"),
            valid_from_utc=pl.lit(at(hour), PARAMETERS.schema["valid_from_utc"]),
        )
        for hour in (4, 8)
    ]
    return PARAMETERS.conform(pl.concat([stated, *fits]))


def in_force_on_okx(first: int, last: int) -> list[str]:
    found = in_force(parameters(), PARAMETERS.versions_of, at(first), at(last))
    own = found.filter(exchange="okx")
    assert own.group_by("version", "side").len()["len"].n_unique() == 1  # a version is complete
    assert found.filter(exchange="bybit")["version"].unique().to_list() == ["prior-4"]  # and others keep theirs
    assert found.columns == PARAMETERS.schema.names()
    return sorted(own["version"].unique())


def test_in_force_works_without_valid_to() -> None:
    assert "valid_to_utc" not in PARAMETERS.schema
    assert in_force_on_okx(0, 4) == ["prior-4"]  # a version that begins at the end of the window is not in force
    assert in_force_on_okx(0, 5) == ["fit-4", "prior-4"]
    assert in_force_on_okx(4, 8) == ["fit-4"]  # superseded at the start of the window
    assert in_force_on_okx(5, 9) == ["fit-4", "fit-8"]
    assert in_force_on_okx(20, 30) == ["fit-8"]
    fitted = parameters().filter(basis="fitted")
    before = in_force(fitted, PARAMETERS.versions_of, at(0), at(1))
    assert before["version"].unique().to_list() == ["fit-4"]  # the first known version also holds before its start
