"""The plan of a run: hours, coins and exchanges."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from transforms.hourly.hours import HOUR
from warehouse.errors import UserError
from warehouse.plan import Plan
from warehouse.settings import Settings, load

MIDNIGHT = datetime(2026, 1, 12)


@pytest.fixture
def settings() -> Settings:
    return load(coins="ETH,BTC", exchanges="okx,binance", source="simulated")


def plan(first: datetime, last: datetime) -> Plan:
    return Plan(first, last, ("BTC",), ("binance",))


def test_plan_of_hour_and_of_range(settings: Settings) -> None:
    one = Plan.of_hour(MIDNIGHT, settings)
    assert one.hours == [MIDNIGHT]
    assert (one.coins, one.exchanges) == (("ETH", "BTC"), ("binance", "okx"))
    assert Plan.of_range(MIDNIGHT, MIDNIGHT, settings) == one
    assert len(Plan.of_range(MIDNIGHT, MIDNIGHT + 24 * HOUR, settings).hours) == 25


def test_backwards_range_is_refused(settings: Settings) -> None:
    with pytest.raises(UserError, match="the range runs backwards: 2026-01-12T00:00Z comes after 2026-01-11T23:00Z"):
        Plan.of_range(MIDNIGHT, MIDNIGHT - HOUR, settings)


@pytest.mark.parametrize("count", [1, 168, 169, 170, 400])
def test_chunks_cover_the_plan_in_order(count: int) -> None:
    whole = plan(MIDNIGHT, MIDNIGHT + (count - 1) * HOUR)
    pieces = list(whole.chunks(timedelta(days=7)))
    assert [hour for piece in pieces for hour in piece.hours] == whole.hours
    assert all(piece.last_hour.hour == 0 for piece in pieces[:-1])
    assert [len(piece.hours) for piece in pieces[:-1]] == [169, 168][: len(pieces) - 1]
    assert {(p.coins, p.exchanges) for p in pieces} == {(whole.coins, whole.exchanges)}


def test_run_id_depends_on_hours() -> None:
    one, other = plan(MIDNIGHT, MIDNIGHT + HOUR), plan(MIDNIGHT, MIDNIGHT + 2 * HOUR)
    assert one.run_id == plan(MIDNIGHT, MIDNIGHT + HOUR).run_id
    assert one.run_id != other.run_id
    assert "/" not in one.run_id


def test_json_round_trip(settings: Settings) -> None:
    made = Plan.of_range(MIDNIGHT, MIDNIGHT + 5 * HOUR, settings)
    assert Plan.from_json(made.to_json()) == made
