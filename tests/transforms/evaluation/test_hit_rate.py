"""Attraction of price to clusters: found where it was planted, not found on a random walk."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tests.transforms.random_walk import Planted, walk
from transforms.evaluation.hit_rate import LEAST_DAYS, MATCHED_ON, WITHIN_BP, count_days, hit_rate
from transforms.evaluation.touches import WITHIN_HOURS, touches


def market(seed: int, planted: Planted = "anywhere") -> pl.DataFrame:
    return touches(*walk(seed, planted))


def statistics(*seeds: int, planted: Planted = "anywhere") -> pl.DataFrame:
    """Return the hit rates of several coins pooled, one seed each."""
    coins = [market(seed, planted).with_columns(coin=pl.lit(f"C{seed}")) for seed in seeds]
    return hit_rate(pl.concat(coins))


@pytest.fixture(scope="module")
def plain() -> pl.DataFrame:
    return statistics(1, 2)


def test_every_combination_has_a_row(plain: pl.DataFrame) -> None:
    expected = [(on, bp, hours) for on in MATCHED_ON for bp in WITHIN_BP for hours in WITHIN_HOURS]
    assert plain.select("matched_on", "within_bp", "within_hours").rows() == expected
    assert (
        plain.select((pl.col("difference") - pl.col("reached") + pl.col("others_reached")).abs().max()).item() < 1e-12
    )
    assert plain.select((pl.col("low") <= pl.col("high")).all()).item()
    assert plain.null_count().sum_horizontal().item() == 0
    longer = plain.filter(pl.col("within_bp") == 500, pl.col("matched_on") == "distance")
    assert longer["reached"].is_sorted()


def test_on_a_random_walk_the_intervals_contain_zero() -> None:
    """Matched on the hour: on distance alone clusters come out lower, because they last longer in calm hours."""
    of_hour = [statistics(seed).filter(matched_on="distance and hour") for seed in range(10, 18)]
    held = [made.select(((pl.col("low") <= 0) & (pl.col("high") >= 0)).mean()).item() for made in of_hour]
    assert np.mean(held) > 0.85


def test_clusters_that_attract_price_are_found() -> None:
    made = statistics(1, 2, planted="ahead").filter(pl.col("within_hours") == 24, pl.col("within_bp") == 500)
    assert made.height == 3
    assert made.select((pl.col("low") > 0).all()).item()


def test_clusters_that_repel_price_are_found() -> None:
    made = statistics(1, 2, planted="beyond").filter(pl.col("within_hours") == 4, pl.col("within_bp") >= 200)
    assert made.select((pl.col("high") < 0).all()).item()


def test_volatility_is_not_mistaken_for_attraction() -> None:
    """Clusters found only in volatile hours are hit more often than levels as far away, until volatility is matched."""
    coins = [market(seed).with_columns(coin=pl.lit(f"C{seed}")) for seed in (5, 6, 7)]
    strong = pl.col("move_bp") > pl.col("move_bp").quantile(0.7).over("coin")
    made = hit_rate(pl.concat(coins).filter(~pl.col("is_cluster") | strong))
    own = made.filter(pl.col("within_hours") == 4, pl.col("within_bp") == 500)
    distance, volatility, hour = (own.filter(matched_on=on)["difference"].item() for on in MATCHED_ON)
    assert distance > 0.03
    assert max(abs(volatility), abs(hour)) < distance / 2


def test_hit_rate_ignores_row_order(plain: pl.DataFrame) -> None:
    levels = pl.concat([market(seed).with_columns(coin=pl.lit(f"C{seed}")) for seed in (2, 1)])
    assert hit_rate(levels.sample(fraction=1.0, shuffle=True, seed=3)).equals(plain)


def test_no_clusters_give_null_differences() -> None:
    made = hit_rate(market(1).filter(~pl.col("is_cluster")).with_columns(coin=pl.lit("BTC")))
    assert made["clusters"].to_list() == [0] * 27
    assert made["difference"].null_count() == made["low"].null_count() == 27


def test_evaluated_days_start_a_day_late_and_end_a_day_early() -> None:
    assert count_days(market(1)) == 30 > LEAST_DAYS
