"""Generated markets with known positions: layout, consistency, and differences between crowds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import polars as pl
import pytest

from warehouse.simulator.market.known_positions import BUCKET, FIRST_DAY, PRESETS, KnownMarket, truth_times, write
from warehouse.simulator.market.listing import EXCHANGES

DAY_MS, BAR_MS, SIX_HOURS_MS = 86_400_000, 300_000, 6 * 3_600_000
START_MS, DAYS, SEED = FIRST_DAY * DAY_MS, 1, 101
# few positions keep the test fast, and suffice to tell crowds apart
CROWDS = {number: replace(crowd, activity=0.4) for number, crowd in enumerate(PRESETS.values(), 1)}
NUMBER = {name: number for number, name in enumerate(PRESETS, 1)}
PLACE = {"market": pl.Int8, "exchange": pl.String}
SCHEMAS = {
    "published_5m": PLACE
    | {"open_ms": pl.Int64}
    | dict.fromkeys(("open", "high", "low", "close"), pl.Float64)
    | dict.fromkeys(("open_interest_base", "taker_buy_base", "taker_sell_base"), pl.Float64)
    | dict.fromkeys(("long_accounts", "short_accounts"), pl.Int32),
    "realised_liquidations": PLACE
    | {"ts_ms": pl.Int64, "side": pl.String}
    | dict.fromkeys(("price", "base"), pl.Float64),
    "true_map": PLACE
    | {"at_ms": pl.Int64, "window": pl.String, "side": pl.String}
    | dict.fromkeys(("mark_price", "low", "high", "usd"), pl.Float64),
}
Frames = Mapping[str, pl.DataFrame]


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Frames:
    directory = tmp_path_factory.mktemp("known") / "positions"
    write(directory, CROWDS, SEED, DAYS)
    assert sorted(path.stem for path in directory.iterdir()) == sorted(SCHEMAS)
    return MappingProxyType({name: pl.read_parquet(directory / f"{name}.parquet") for name in SCHEMAS})


def near_usd(frames: Frames, preset: str, percent: float, window: str = "all") -> float:
    """Return the mean USD of all exchanges within a distance of the mark, both sides, in percent."""
    away = ((pl.col("low") * pl.col("high")).sqrt() / pl.col("mark_price") - 1.0).abs()
    truth = frames["true_map"].filter(away <= percent / 100, market=NUMBER[preset], window=window)
    return float(truth["usd"].sum()) / truth["at_ms"].n_unique()


def liquidated_usd(frames: Frames, preset: str) -> float:
    events = frames["realised_liquidations"].filter(market=NUMBER[preset])
    return float((events["price"] * events["base"]).sum())


def mean(frames: Frames, preset: str, column: str) -> float:
    return float(frames["published_5m"].filter(market=NUMBER[preset])[column].to_numpy().mean())


def with_bar(frame: pl.DataFrame, frames: Frames, at: str, shift_ms: int = 0) -> pl.DataFrame:
    """Join each row with the bar that contains its time, or that ends at it with `shift_ms` 1."""
    instant = pl.col(at) - shift_ms
    return frame.with_columns(open_ms=instant - instant % BAR_MS).join(
        frames["published_5m"], on=["market", "exchange", "open_ms"], how="left", suffix="_of_bar"
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_layout_matches_the_documentation(frames: Frames, name: str) -> None:
    frame = frames[name]
    assert dict(frame.schema) == SCHEMAS[name]
    assert list(frame.schema) == list(SCHEMAS[name])
    assert frame.null_count().sum_horizontal().item() == 0
    assert set(frame["market"]) == set(CROWDS)
    assert set(frame["exchange"]) == set(EXCHANGES)
    keys = {"published_5m": ["open_ms"], "true_map": ["at_ms", "window", "side", "low"]}.get(name)
    assert keys is None or not frame.select("market", "exchange", *keys).is_duplicated().any()


def test_bars_are_consecutive(frames: Frames) -> None:
    for (*_,), bars in frames["published_5m"].group_by("market", "exchange"):
        assert bars["open_ms"].to_list() == list(range(START_MS, START_MS + DAYS * DAY_MS, BAR_MS))
        assert (bars["high"] >= bars.select(pl.max_horizontal("open", "close", "low")).to_series()).all()
        assert (bars["low"] <= bars.select(pl.min_horizontal("open", "close")).to_series()).all()
        assert bars["open"].to_list()[1:] == pytest.approx(bars["close"].to_list()[:-1])
    assert min(frames["published_5m"].drop("market", "exchange").min().row(0)) > 0


def test_truth_covers_the_last_ten_days_of_a_month() -> None:
    times = truth_times(30)
    assert (times[0], times[-1], len(times)) == (1_747_807_200_000, 1_748_649_600_000, 40)


def test_truth_is_six_hourly_within_a_fifth_of_the_mark(frames: Frames) -> None:
    truth = frames["true_map"]
    assert sorted(set(truth["at_ms"])) == list(
        range(START_MS + SIX_HOURS_MS, START_MS + DAYS * DAY_MS + 1, SIX_HOURS_MS)
    )
    edges = truth.select(low=(pl.col("low") / pl.col("mark_price")).log(), high=(pl.col("high") / pl.col("low")).log())
    assert edges["high"].to_numpy() == pytest.approx(BUCKET)
    assert edges["low"].min() >= -0.2 - 1e-9  # type: ignore[operator]
    assert edges["low"].max() <= 0.2 - BUCKET + 1e-9  # type: ignore[operator]
    ended = with_bar(truth, frames, "at_ms", 1)
    assert ended["mark_price"].to_list() == ended["close"].to_list()


def test_liquidation_prices_are_on_their_side_of_the_mark(frames: Frames) -> None:
    truth = frames["true_map"]
    longs, shorts = (truth.filter(side=side) for side in ("long", "short"))
    assert (longs["high"] <= longs["mark_price"] * (1 + 1e-12)).all()
    assert (shorts["low"] >= shorts["mark_price"] * (1 - 1e-12)).all()


def test_true_map_is_a_part_of_open_interest(frames: Frames) -> None:
    # USD divided by the bucket's upper edge is at most its coins
    coins = (pl.col("usd") / pl.col("high")).sum().alias("coins")
    sums = frames["true_map"].filter(window="all").group_by("market", "exchange", "at_ms", "side").agg(coins)
    both = with_bar(sums, frames, "at_ms", 1)
    assert (both["coins"] <= both["open_interest_base"]).all()
    assert (both["coins"] >= 0.02 * both["open_interest_base"]).all()


def test_files_equal_the_positions_of_the_market(frames: Frames) -> None:
    number, end_ms = NUMBER["hedgers"], START_MS + 18 * 3_600_000
    standing = KnownMarket(SEED, CROWDS[number]).true_positions("okx", "BTC", end_ms - 1)
    bar = frames["published_5m"].row(
        by_predicate=(pl.col("market") == number)
        & (pl.col("exchange") == "okx")
        & (pl.col("open_ms") == end_ms - BAR_MS),
        named=True,
    )
    for side in ("long", "short"):
        held = standing.filter(side=side)
        assert held["base"].sum() == pytest.approx(bar["open_interest_base"])
        assert held["entry_price"].count() == bar[f"{side}_accounts"]
        near = (pl.col("liquidation_price") / bar["close"]).log().abs() < 0.2
        usd = (pl.col("liquidation_price") * pl.col("base")).sum()
        told = frames["true_map"].filter(market=number, exchange="okx", at_ms=end_ms, side=side)
        for window, opened in (("all", True), ("1d", pl.col("opened_ms") >= end_ms - DAY_MS)):
            assert told.filter(window=window)["usd"].sum() == pytest.approx(
                held.filter(near, opened).select(usd).item()
            )


def test_one_day_window_is_a_part_of_all(frames: Frames) -> None:
    key = ["market", "exchange", "at_ms", "side", "low"]
    everyone, recent = (frames["true_map"].filter(window=window).select(*key, "usd") for window in ("all", "1d"))
    both = recent.join(everyone, on=key, how="left", suffix="_all")
    assert both["usd_all"].null_count() == 0
    assert (both["usd"] <= both["usd_all"] * (1 + 1e-9)).all()
    assert 0 < recent["usd"].sum() < everyone["usd"].sum()


def test_liquidation_prices_lie_within_their_bar(frames: Frames) -> None:
    events = with_bar(frames["realised_liquidations"], frames, "ts_ms")
    assert set(events["side"]) == {"long", "short"}
    # the time is rounded up to a millisecond, so it may fall just after the bar that touched the price
    assert (events["price"] <= events["high"] * (1 + 1e-5)).all()
    assert (events["price"] >= events["low"] * (1 - 1e-5)).all()


def test_taker_volume_includes_liquidations(frames: Frames) -> None:
    sold = pl.when(pl.col("side") == "long").then("base").otherwise(0.0).sum().alias("sold")
    bought = pl.when(pl.col("side") == "short").then("base").otherwise(0.0).sum().alias("bought")
    events = with_bar(frames["realised_liquidations"], frames, "ts_ms")
    bars = events.group_by("market", "exchange", "open_ms").agg(
        sold, bought, pl.first("taker_sell_base"), pl.first("taker_buy_base")
    )
    assert (bars["sold"] <= bars["taker_sell_base"] + 1e-6).all()
    assert (bars["bought"] <= bars["taker_buy_base"] + 1e-6).all()


def test_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    crowd = {3: replace(PRESETS["hedgers"], activity=0.2)}
    told: list[str] = []
    write(tmp_path / "one", crowd, SEED, 1, told.append)
    write(tmp_path / "two", crowd, SEED, 1)
    write(tmp_path / "other", crowd, SEED + 1, 1)
    assert told == [f"market 3, {exchange}" for exchange in EXCHANGES]
    for name in SCHEMAS:
        one, two, other = ((tmp_path / folder / f"{name}.parquet").read_bytes() for folder in ("one", "two", "other"))
        assert one == two != other


def test_higher_leverage_puts_liquidations_nearer(frames: Frames) -> None:
    low, plain, high = (near_usd(frames, name, 5) for name in ("low_leverage", "plain", "high_leverage"))
    assert 1.2 * low < plain < high / 1.2
    low, plain, high = (liquidated_usd(frames, name) for name in ("low_leverage", "plain", "high_leverage"))
    assert 1.2 * low < plain < high / 1.2


def test_short_lived_positions_are_mostly_of_the_last_day(frames: Frames) -> None:
    short, plain, long = (
        near_usd(frames, name, 20, "1d") / near_usd(frames, name, 20) for name in ("short_lives", "plain", "long_lives")
    )
    assert 1.05 * long < plain < short / 1.05


def test_hedgers_hold_open_interest_that_is_never_liquidated(frames: Frames) -> None:
    few, plain, many = (
        near_usd(frames, name, 20) / mean(frames, name, "open_interest_base")
        for name in ("few_hedgers", "plain", "hedgers")
    )
    assert few > 1.1 * plain > 1.2 * many
    assert mean(frames, "hedgers", "open_interest_base") > mean(frames, "plain", "open_interest_base")


def test_crowds_of_one_seed_share_the_price_path(frames: Frames) -> None:
    bars = frames["published_5m"].filter(exchange="okx")
    plain, hedgers, stormy = (bars.filter(market=NUMBER[name])["close"] for name in ("plain", "hedgers", "stormy"))
    assert plain.equals(hedgers)
    assert not plain.equals(stormy)
    assert [plain[0], stormy[0]] == pytest.approx([100_000, 100_000], rel=0.02)
