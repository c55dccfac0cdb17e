"""mart.map_scores over some days of a synthetic contract: predictions of each estimator, and their inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from expectations.tables import table
from expectations.validation.rules import rules
from tests.transforms.stated_parameters import stated_parameters
from transforms.estimation.backtest import NAMES, RANGE, Prediction, predict
from transforms.estimation.inputs import hour_inputs
from transforms.model.assumptions import Assumptions, prior
from transforms.tables import map_scores

DAY = date(2026, 1, 6)
MIDNIGHT = datetime(2026, 1, 6)
FIRST = datetime(2026, 1, 1)
HOUR = timedelta(hours=1)
ENDS = [FIRST + i * HOUR for i in range(1, 6 * 24 + 1)]  # one day more than the scored days
DAYS = timedelta(days=2)
OWN = {"exchange": "okx", "instrument": "BTC-USDT-SWAP", "coin": "BTC", "source": "simulated"}
Inputs = dict[str, pl.DataFrame]


def frame(name: str, rows: dict[str, Any]) -> pl.DataFrame:
    schema = table(name).schema
    about = {c: pl.lit(v) for c, v in OWN.items() if c in schema}
    given = pl.DataFrame(rows).with_columns(**about)
    lacking = [pl.lit(None, dtype).alias(c) for c, dtype in schema.items() if c not in given.columns]
    return given.with_columns(lacking).select(pl.col(c).cast(dtype) for c, dtype in schema.items())


@pytest.fixture(scope="module", autouse=True)
def _shorter() -> Iterator[None]:
    """Score two days and scale on two, after one of warm-up; a week of each takes seconds per build."""
    with pytest.MonkeyPatch.context() as patch:
        for name, length in (("WINDOW", DAYS), ("SCALED", DAYS), ("CARRIED", DAYS / 2), ("LOOKS_BACK", DAYS * 2.5)):
            patch.setattr(map_scores, name, length)
        yield


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    """Return hourly bars of a random walk with volatility bursts, and liquidations that follow them."""
    generator = np.random.default_rng(4)
    n = len(ENDS)
    spread = generator.lognormal(-5.5, 0.8, n)
    close = 1e5 * np.exp(np.cumsum(spread * generator.normal(size=n)))
    opened = np.concatenate([[1e5], close[:-1]])
    high, low = (f(opened, close) * np.exp(k * spread * generator.uniform(size=n)) for f, k in _EDGES)
    starts = [end - HOUR for end in ENDS]
    began = [FIRST - timedelta(days=30)]
    taker = generator.lognormal(5, 0.5, n)
    usd = 1e6 * (np.log(opened / low) / 0.01) ** 2 + generator.exponential(1e4, n)
    made = {
        "price_bars": frame(
            "price_bars",
            {"open_utc": starts, "date": [t.date() for t in starts], "interval_minutes": 60, "open": opened,
             "high": high, "low": low, "close": close, "volume_base": taker * 2},
        ),
        "open_interest": frame(
            "open_interest",
            {"time_utc": ENDS, "date": [t.date() for t in ENDS],
             "open_interest_base": 3e4 * np.exp(np.cumsum(generator.normal(0, 0.005, n)))},
        ),
        "realised_liquidations": frame(
            "realised_liquidations",
            {"time_utc": [t - HOUR / 2 for t in ENDS], "date": [t.date() for t in starts], "seq": 0, "side": "long",
             "notional_usd": usd},
        ),
        "realised_coverage": frame(
            "realised_coverage", {"hour_utc": ENDS, "date": [t.date() for t in ENDS], "completeness": "recent"}
        ),
        "instruments": frame("instruments", {"valid_from_utc": began, "kind": "linear", "contract_base": 1.0}),
        "margin_tiers": frame(
            "margin_tiers",
            {"valid_from_utc": began, "tier": 1, "bound_unit": "usd", "tier_floor": 0.0, "tier_cap": 1e12,
             "maintenance_rate": 0.004, "deduction": 0.0, "max_leverage_x": 150.0},
        ),
    }  # fmt: skip
    return made | {"model_parameters": stated_parameters()}


_EDGES: list[tuple[Callable[..., Any], int]] = [(np.maximum, 1), (np.minimum, -1)]


def build(inputs: Inputs) -> pl.DataFrame:
    return map_scores.build(**inputs, coin="BTC", day=DAY)


@pytest.fixture(scope="module")
def scores(inputs: Inputs) -> pl.DataFrame:
    return build(inputs)


def told(inputs: Inputs, wanted: set[datetime], applying: Callable[[int, int], Assumptions]) -> list[Prediction]:
    core = [inputs[name] for name in ("price_bars", "open_interest", "margin_tiers", "instruments")]
    return list(predict(hour_inputs(*core, hours=ENDS), "okx", wanted, applying))


def test_every_estimator_is_scored_on_every_hour(scores: pl.DataFrame) -> None:
    assert set(scores["estimator"]) == set(NAMES)
    assert set(scores["hours"]) == set(scores["scale_hours"]) == {2 * 24}
    longs = scores.filter(side="long")
    assert longs.select("rank_correlation", "poisson_deviance", "scale").null_count().row(0) == (0, 0, 0)
    assert all(scores.filter(~rule.holds).is_empty() for rule in rules(map_scores.TABLE) if rule.check != "columns"
               and rule.check not in ("types", "not_empty"))  # fmt: skip
    shorts = scores.filter(side="short")  # shorts had no liquidations
    assert set(shorts["realised_usd"]) == {0.0}
    assert shorts["rank_correlation"].null_count() == shorts["poisson_deviance"].null_count() == len(NAMES)


def test_range_estimator_has_the_best_rank_correlation(scores: pl.DataFrame) -> None:
    """Liquidations are generated from the range alone, so no estimator can beat it."""
    longs = dict(scores.filter(side="long").select("estimator", "rank_correlation").rows())
    assert longs[RANGE] > 0.9
    assert longs[RANGE] == max(longs.values())


def test_prediction_uses_the_map_of_the_hour_before(inputs: Inputs, scores: pl.DataFrame) -> None:
    """The map after an hour is empty where the mark has been, so it would predict nothing."""
    longs = scores.filter(side="long")
    assert longs.filter(pl.col("estimator") != RANGE)["predicted_usd"].min() > 0  # type: ignore[operator]
    own = prior("okx")
    wanted = {MIDNIGHT - HOUR}
    asked: list[int] = []

    def applying(s: int, hour_h: int) -> Assumptions:
        asked.append(hour_h)
        return own

    known = {(f.side, f.estimator): f.amount for f in told(inputs, wanted, applying)}
    hour_h = round((MIDNIGHT - HOUR - datetime(1970, 1, 1)) / HOUR)
    assert asked == [hour_h - 1] * 2
    before = inputs["open_interest"].filter(pl.col("time_utc") == MIDNIGHT - 2 * HOUR)["open_interest_base"].item()
    bars = (
        inputs["price_bars"]
        .sort("open_utc")
        .filter(pl.col("open_utc").is_between(MIDNIGHT - 3 * HOUR, MIDNIGHT - 2 * HOUR))
    )
    mark, low = bars["close"][0], bars["low"][1]
    even = before * mark / -np.log(0.75) * np.log(mark / low)  # spread evenly over log price, down to 25 %
    assert known["long", "open_interest"] == pytest.approx(even, rel=0.2, abs=2 * before * mark / 287)
    assert known["long", RANGE] == pytest.approx(np.log(mark / low))


def test_data_of_the_day_or_later_is_ignored(inputs: Inputs, scores: pl.DataFrame) -> None:
    moments = {"price_bars": "open_utc", "open_interest": "time_utc", "realised_liquidations": "time_utc"}
    moments |= {"realised_coverage": "hour_utc"}
    early = {name: inputs[name].filter(pl.col(column) < MIDNIGHT) for name, column in moments.items()}
    assert build(inputs | early).equals(scores)


def test_scale_uses_only_the_days_before(inputs: Inputs, scores: pl.DataFrame) -> None:
    late = pl.col("time_utc") > MIDNIGHT - DAYS - HOUR  # an hour is labelled by its end
    tripled = pl.when(late).then(3 * pl.col("notional_usd")).otherwise("notional_usd")
    more = build(inputs | {"realised_liquidations": inputs["realised_liquidations"].with_columns(notional_usd=tripled)})
    for name in ("scale", "scale_hours", "predicted_usd", "rank_correlation"):
        assert more[name].equals(scores[name])
    assert (more["realised_usd"] - 3 * scores["realised_usd"]).abs().max() < 1  # type: ignore[operator]
    assert not more["poisson_deviance"].equals(scores["poisson_deviance"])


def test_parameters_apply_from_their_valid_hour(inputs: Inputs, scores: pl.DataFrame) -> None:
    stated = inputs["model_parameters"]
    weight = pl.col("parameter") == "weight"
    later = stated.with_columns(
        version=pl.lit("fit-2026-01-05"), basis=pl.lit("fitted"),
        valid_from_utc=pl.lit(datetime(2026, 1, 5)).cast(pl.Datetime("ms")),
        value=pl.when(weight).then(pl.col("value") / 2).otherwise("value"),
    )  # fmt: skip
    made = build(inputs | {"model_parameters": pl.concat([stated, later])})
    changed = made.filter(side="long").join(scores.filter(side="long"), on="estimator")
    usd = {
        name: (new, old)
        for name, new, old in changed.select("estimator", "predicted_usd", "predicted_usd_right").rows()
    }
    assert usd["fitted"][0] < usd["fitted"][1]
    assert usd["fitted"][0] > usd["fitted"][1] / 2  # one of the two days was before it
    assert usd["prior"][0] == usd["prior"][1] == usd["fitted"][1]
    assert set(made.filter(estimator="fitted")["parameters_version"]) == {"fit-2026-01-05"}
    unborn = later.with_columns(valid_from_utc=pl.lit(MIDNIGHT).cast(pl.Datetime("ms")))
    assert build(inputs | {"model_parameters": pl.concat([stated, unborn])}).equals(scores)


def test_row_order_does_not_matter(inputs: Inputs, scores: pl.DataFrame) -> None:
    shuffled = {name: f.sample(fraction=1.0, shuffle=True, seed=3) for name, f in inputs.items()}
    assert build(shuffled).equals(scores)


def test_hours_without_open_interest_and_next_hours_are_excluded(inputs: Inputs) -> None:
    gone = MIDNIGHT - 30 * HOUR
    readings = inputs["open_interest"].filter(pl.col("time_utc") != gone)
    wanted = {gone + i * HOUR for i in range(-2, 4)}
    known = told(inputs | {"open_interest": readings}, wanted, lambda s, hour_h: prior("okx"))
    assert {f.hour for f in known} == wanted - {gone, gone + HOUR}
