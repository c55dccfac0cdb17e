from __future__ import annotations

import math
import re
from dataclasses import replace

import altair as alt
import polars as pl
import pytest
import vl_convert

from transforms.charts import headline
from transforms.charts.amounts import amount, listing, price_text, vega_amount
from transforms.charts.snapshot import Snapshot
from transforms.model.assumptions import PRIOR_VERSION


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        (0, "0"),
        (999, "999"),
        (12_345, "12.35K"),
        (786_432, "786K"),
        (14_970_000, "14.97M"),
        (99_994_999, "99.99M"),
        (99_999_999, "100M"),
        (312e6, "312M"),
        (999_999_999.0, "1B"),
        (1.45e9, "1.45B"),
        (2.5e12, "2.5T"),
    ],
)
def test_amounts_are_rounded_with_suffixes(dollars: float, text: str) -> None:
    assert amount(dollars) == text


def test_charts_and_sentences_format_amounts_alike() -> None:
    numbers = pl.DataFrame(
        {"usd": [0.0, 12.4, 999.4, 999.6, 1500.0, 12_340.0, 99_996.0, 999_600.0, 4e6, 37.684e6, 7e8, 2.5e12]}
    )
    text = alt.Chart(numbers).transform_calculate(told=vega_amount("datum.usd")).mark_text().encode(text="told:N")
    drawn = vl_convert.vegalite_to_svg(text.encode(y="usd:N").to_dict())
    shown = set(re.findall(r">([^<>]+)</text>", drawn))
    assert {amount(usd) for usd in numbers["usd"]} <= shown


@pytest.mark.parametrize(
    ("price", "text"), [(103_753.4, "103,753"), (3105.24, "3,105.2"), (142.314, "142.31"), (0.172341, "0.17234")]
)
def test_prices_keep_five_significant_digits(price: float, text: str) -> None:
    assert price_text(price) == text


def test_listing_joins_words() -> None:
    assert [listing(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_headline_states_mark_moves_and_sources(market: Snapshot) -> None:
    sentences = headline.write(market)
    assert sentences[0] == "BTC stands at 103,753 (mark, binance; simulated data), hour 2026-01-12 00:00 UTC."
    assert sentences[-1] == (
        "Modelled from open interest, volume and margin tiers of binance, bybit and okx "
        "(okx carried since 01-11 22:00 UTC) with parameters prior-1; an estimate, not a record."
    )
    assert [s.split(" would")[0] for s in sentences[1:5]] == [
        "A fall to 102,715 (-1.0 %)",
        "A fall to 98,565 (-5.0 %)",
        "A rise to 104,791 (+1.0 %)",
        "A rise to 108,941 (+5.0 %)",
    ]


def test_heavier_side_comes_first(market: Snapshot) -> None:
    assert (
        "Within 5 % of each exchange's own mark, shorts are heavier: 2.14B against 1.56B of longs "
        "(1.4 times; imbalance -0.16)." in headline.write(market)
    )


def test_sums_have_their_p10_to_p90_range(market: Snapshot) -> None:
    far = pl.DataFrame({"side": ["long", "short"], "distance_bp": 500.0})
    known = far.with_columns(cumulative_p10_usd=pl.Series([0.8e9, 1e9]), cumulative_p90_usd=pl.Series([3.1e9, 4.6e9]))
    assert (
        "shorts are heavier: 2.14B (1B to 4.6B) against 1.56B (800M to 3.1B) of longs ("
        in headline.write(replace(market, ranges=known))[-3]
    )


def test_headline_names_the_largest_cluster_of_each_side(market: Snapshot) -> None:
    assert headline.write(market)[-2] == (
        "Largest clusters: longs 100,700-101,100 (312M, intensity 2.1, 50 % on binance); "
        "shorts 106,400-107,100 (420M, intensity 2.4, 50 % on binance)."
    )


@pytest.mark.parametrize(("price", "side"), [(100_000.0, "long"), (110_000.0, "short")])
def test_level_sums_buckets_up_to_the_mark(market: Snapshot, price: float, side: str) -> None:
    sentence = headline.write(market, [price])[1]
    between = pl.col("price_high") > price if side == "long" else pl.col("price_low") <= price
    rows = market.levels.filter(between & (pl.col("side") == side))
    sums = dict(rows.group_by("exchange").agg(pl.col("notional_usd").sum()).iter_rows())
    parts = ", ".join(f"{name} {amount(sums[name])}" for name in ("binance", "bybit", "okx"))
    assert f"{amount(math.fsum(sums.values()))} USD of {side}s: {parts}." in sentence


def test_level_has_its_range(market: Snapshot) -> None:
    """Errors of fit and gaps add up; a map without them, of a baseline, has no range."""
    bands = market.levels.with_columns(fit_usd=pl.col("notional_usd") * 0.3, gap_usd=pl.col("notional_usd") * 0.4)
    sentence = headline.write(replace(market, levels=bands), [110_000.0])[1]
    usd = math.fsum(bands.filter(pl.col("price_low") <= 110_000.0, side="short")["notional_usd"])
    times = math.exp(1.2815515594457831 * math.sqrt(0.3**2 + 0.4**2 + 0.1**2 + 0.8 * 2e6 / usd))
    assert f"liquidate {amount(usd)} ({amount(usd / times)} to {amount(usd * times)}) USD of shorts: " in sentence
    assert "(" not in headline.write(market, [110_000.0])[1].partition("liquidate")[2].partition(":")[0]


def test_prior_is_said_to_be_untaught(market: Snapshot) -> None:
    said = headline.write(replace(market, parameters_version=PRIOR_VERSION))[-1]
    assert f"with parameters {PRIOR_VERSION}, which no liquidations have taught; an estimate" in said
    assert "taught" not in headline.write(replace(market, parameters_version="fit-2026-11-20"))[-1]


def test_price_between_marks_counts_exchanges_by_their_own_mark(market: Snapshot) -> None:
    """Bybit's mark is above the price: a rise to it liquidates none of its shorts."""
    higher = pl.when(pl.col("exchange") == "bybit").then(104_500.0).otherwise("mark_price").alias("mark_price")
    apart = replace(market, exchange_rows=market.exchange_rows.with_columns(higher))
    own = math.floor(math.log(104_200) / math.log(1.001))
    shorts = market.levels.filter((pl.col("price_bucket") <= own) & (pl.col("side") == "short"))
    sums = dict(shorts.group_by("exchange").agg(pl.col("notional_usd").sum()).iter_rows())
    total = amount(sums["binance"] + sums["okx"])
    parts = f"binance {amount(sums['binance'])}, bybit 0, okx {amount(sums['okx'])}"
    assert sums["bybit"] > 0
    assert f"would liquidate {total} USD of shorts: {parts}." in headline.write(apart, [104_200.0])[1]


def test_level_lists_the_bucket_of_each_exchange(market: Snapshot) -> None:
    sentence = headline.write(market, [102_699.0])[1]
    bucket = math.floor(math.log(102_699) / math.log(1.001))
    there = market.levels.filter(pl.col("price_bucket") == bucket).sort("exchange")
    parts = ", ".join(f"{name} {amount(usd)}" for name, usd in there.select("exchange", "notional_usd").iter_rows())
    assert sentence.endswith(f"In its 10 bp bucket (102,665-102,768): {parts}.")


def test_level_beyond_the_map_is_reported(market: Snapshot) -> None:
    assert "The map ends at 88,1" in headline.write(market, [1_000.0])[1]


def test_missing_balance_and_clusters_are_omitted(market: Snapshot) -> None:
    bare = replace(market, balance=market.balance.clear(), clusters=market.clusters.clear())
    assert not [s for s in headline.write(bare) if s.startswith(("Within", "Largest"))]


def test_missing_exchanges_are_named_with_reason(market: Snapshot) -> None:
    absent = pl.DataFrame({"exchange": ["okx"], "reason": ["no open interest recorded"]})
    without = replace(market, exchange_rows=market.exchange_rows.filter(pl.col("exchange") != "okx"), missing=absent)
    assert "binance and bybit (okx missing: no open interest recorded) with" in headline.write(without)[-1]


def test_mark_comes_from_the_first_fresh_exchange(market: Snapshot) -> None:
    stale = replace(market, exchange_rows=market.exchange_rows.with_columns(is_stale=pl.col("exchange") != "bybit"))
    assert (stale.reference, stale.mark) == ("bybit", 103_760.0)
