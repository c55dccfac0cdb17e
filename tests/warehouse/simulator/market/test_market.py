"""The market: independent of earlier requests, balanced, and consistent with its prices."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from warehouse.simulator import Market, Simulation
from warehouse.simulator.market.listing import EXCHANGES, Exchange, instrument
from warehouse.simulator.market.source import Interval

DAY_MS = 86_400_000
MINUTE_MS = 60_000
AT_MS = 1_764_547_200_000 + 5 * 3_600_000 + 61_007


@pytest.fixture
def market(sim: Simulation) -> Market:
    return sim.market


def mark(market: Market, exchange: Exchange, coin: str, at_ms: int) -> float:
    contract = instrument(exchange, coin)
    return float(market.price_at(contract, "mark", np.array([at_ms]))[0]) / contract.multiplier


def test_market_does_not_depend_on_earlier_requests(market: Market) -> None:
    other, contract = Market(7), instrument("bybit", "AVAX")
    other.open_interest(contract, Interval(DAY_MS), AT_MS - 40 * DAY_MS, AT_MS - 30 * DAY_MS)
    other.open_interest_now(contract, AT_MS + 11 * DAY_MS)
    asked = (contract, Interval(5 * MINUTE_MS), AT_MS - 10 * DAY_MS, AT_MS)
    for one, two in zip(
        vars(market.open_interest(*asked)).values(), vars(other.open_interest(*asked)).values(), strict=True
    ):
        assert np.array_equal(one, two)
    for question in ("true_positions", "realised_liquidations"):
        times = (AT_MS,) if question == "true_positions" else (AT_MS - 3 * DAY_MS, AT_MS)
        assert_frame_equal(
            getattr(market, question)("bybit", "AVAX", *times), getattr(other, question)("bybit", "AVAX", *times)
        )
    flow = market.flow(contract, Interval(DAY_MS), AT_MS - 10 * DAY_MS, AT_MS)
    assert np.array_equal(flow.buy, other.flow(contract, Interval(DAY_MS), AT_MS - 10 * DAY_MS, AT_MS).buy)


def test_seeds_give_different_markets(market: Market) -> None:
    contract = instrument("okx", "DOGE")
    assert market.open_interest_now(contract, AT_MS).units[0] != Market(8).open_interest_now(contract, AT_MS).units[0]


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("coin", ["BTC", "PEPE"])
def test_longs_equal_shorts_equal_open_interest(market: Market, exchange: Exchange, coin: str) -> None:
    contract = instrument(exchange, coin)
    for at_ms in (AT_MS, AT_MS - 7 * DAY_MS, AT_MS - AT_MS % (7 * DAY_MS)):
        sums = market.true_positions(exchange, coin, at_ms).group_by("side").agg(pl.col("base").sum())
        published = float(market.open_interest_now(contract, at_ms).units[0]) * contract.multiplier
        assert len(sums) == 2
        assert sums["base"].to_list() == pytest.approx([published, published], rel=1e-12)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_liquidation_prices_are_on_their_side_of_the_mark(market: Market, exchange: Exchange) -> None:
    for at_ms in range(AT_MS - 3 * DAY_MS, AT_MS, 7 * 3_600_000):
        now = mark(market, exchange, "BTC", at_ms)
        standing = market.true_positions(exchange, "BTC", at_ms).drop_nulls("liquidation_price")
        longs, shorts = (standing.filter(side=side)["liquidation_price"] for side in ("long", "short"))
        assert longs.max() <= now * (1 + 1e-9)
        assert shorts.min() >= now * (1 - 1e-9)


def test_liquidated_positions_were_touched_by_the_mark(market: Market) -> None:
    gone = market.realised_liquidations("binance", "BTC", AT_MS - 3 * DAY_MS, AT_MS)
    assert len(gone) > 50
    assert set(gone["side"]) == {"long", "short"}
    assert gone["ts_ms"].is_between(AT_MS - 3 * DAY_MS, AT_MS - 1).all()
    contract = instrument("binance", "BTC")
    at = market.price_at(contract, "mark", gone["ts_ms"].to_numpy())
    sign = np.where(gone["side"] == "long", 1.0, -1.0)
    # the time is rounded up to a millisecond, so the mark has just reached the level
    assert (sign * (at - gone["price"].to_numpy()) <= 1e-4 * at).all()
    assert (np.abs(at / gone["price"].to_numpy() - 1) < 5e-4).all()


def test_liquidated_positions_are_removed(market: Market) -> None:
    gone = market.realised_liquidations("okx", "BTC", AT_MS - DAY_MS, AT_MS).row(-1, named=True)
    key = (pl.col("opened_ms") == gone["opened_ms"]) & (pl.col("liquidation_price") == gone["price"])
    assert len(market.true_positions("okx", "BTC", gone["ts_ms"] - 1).filter(key)) == 1
    assert market.true_positions("okx", "BTC", gone["ts_ms"]).filter(key).is_empty()


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_most_open_interest_has_low_leverage(market: Market, exchange: Exchange) -> None:
    standing = market.true_positions(exchange, "BTC", AT_MS)
    slow = standing.filter(pl.col("leverage_x") < 7)["base"].sum() / standing["base"].sum()
    assert 0.7 < slow < 0.97
    assert standing["leverage_x"].max() >= 50
    assert standing["opened_ms"].drop_nulls().min() > AT_MS - 21 * DAY_MS - 1


def test_prices_stay_near_their_anchor_and_jump() -> None:
    market = Market(11)
    daily = market.bars(instrument("okx", "PEPE"), "mark", Interval(DAY_MS), AT_MS - 300 * DAY_MS, AT_MS, AT_MS)
    assert 1e-6 < daily.low.min() < daily.high.max() < 1e-4
    returns = np.abs(np.diff(np.log(daily.close)))
    assert returns.max() > 3 * np.median(returns)


def test_bar_volume_is_additive_and_exceeds_liquidations(market: Market) -> None:
    contract = instrument("binance", "AVAX")
    start = AT_MS - AT_MS % DAY_MS - 8 * DAY_MS
    minutes = market.bars(contract, "trade", Interval(5 * MINUTE_MS), start, start + 8 * DAY_MS - 1, AT_MS)
    week = market.bars(contract, "trade", Interval(8 * DAY_MS, start % (8 * DAY_MS)), start, start, AT_MS)
    assert minutes.volume is not None
    assert week.volume is not None
    assert minutes.volume.sum() == pytest.approx(week.volume[0])
    gone = market.realised_liquidations("binance", "AVAX", start, start + 8 * DAY_MS)
    assert week.volume[0] > gone["base"].sum() > 0
