"""The fit recovers the weights behind liquidations with calibrated uncertainty, and keeps the prior without data."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pytest

from transforms.model.assumptions import HALF_LIVES_H, LEVERAGE_X, Assumptions, prior
from transforms.model.fitting.fit import (
    _COMMON,
    _FLOOR_USD,
    _OWN,
    TYPICAL_SIZE_USD,
    Fitted,
    Observed,
    Side,
    _covariance,
    fit,
)
from transforms.model.fitting.survival import PRIOR, Survival
from transforms.model.price_grid import Floats

LEVERAGE = np.array(LEVERAGE_X)[:, None]
HALF_LIVES = np.array(HALF_LIVES_H)
SHAPE = (len(LEVERAGE_X), len(HALF_LIVES_H))
HERE, THERE = ("binance", +1), ("okx", -1)
SIDES: tuple[Side, ...] = (HERE, ("binance", -1), THERE)
PRIORS = {side: prior(side[0]) for side in SIDES}
MINE = PRIORS[HERE].weight
LEVEL_SD = float(np.hypot(_COMMON.level, _OWN.level))
"""Prior log sd of the common level of all classes; the shape adds to it."""


def hours(weight: Floats, n: int, seed: int, **about: float | bool) -> Observed:
    """Return hours of gamma liquidations about the weights' prediction, with the variance that the fit assumes."""
    rng = np.random.default_rng(seed)
    swept = rng.lognormal(0.0, 1.2, (n, 1, 1)) * rng.lognormal(20.0, 1.0, (n, *SHAPE)) * (rng.random((n, *SHAPE)) < 0.7)
    said = (swept * weight).sum(axis=(1, 2))
    variance = TYPICAL_SIZE_USD * said + said**2
    return Observed(swept, rng.gamma(said**2 / variance, variance / said), **about)  # type: ignore[arg-type]


def found(observed: Mapping[Side, Observed], priors: Mapping[Side, Assumptions] = PRIORS) -> dict[Side, Fitted]:
    return fit("v", priors, observed)


def log_stands(weight: Floats) -> Floats:
    """Return the log notional of each class: openings times half-life."""
    return np.asarray(np.log((weight * HALF_LIVES).sum(axis=1)))


def test_known_weights_are_recovered_within_uncertainty() -> None:
    """The truth is four times the prior with more high leverage and short lives, many of the fit's sigmas away."""
    truth = MINE * 4.0 * (LEVERAGE / 18) ** 0.3 * (HALF_LIVES / 40) ** -0.2
    off, prior_off = [], []
    for seed in range(12):
        own = found({HERE: hours(truth, 400, seed)})[HERE].assumed
        off.append((log_stands(own.weight) - log_stands(truth)) / own.log_sd)
        prior_off.append((log_stands(MINE) - log_stands(truth)) / own.log_sd)
    assert 0.4 < np.sqrt(np.mean(np.square(off))) < 1.4
    assert np.abs(off).max() < 4.0
    assert np.sqrt(np.mean(np.square(prior_off))) > 2.5


def test_data_and_prior_gradients_balance_at_the_fit() -> None:
    """If survival is known, log weights move by the covariance times the slope of the data's likelihood."""
    told = hours(5.0 * MINE, 12, 15)
    made = fit("v", PRIORS, {HERE: told}, Survival(0.0, 0.0))
    own = told.swept * made[HERE].assumed.weight
    said = own.sum(axis=(1, 2))
    variance = TYPICAL_SIZE_USD * said + said**2 + _FLOOR_USD**2
    pull = (own.reshape(len(own), -1) * ((told.realised - said) / variance)[:, None]).sum(axis=0)
    for side, covariance in ((HERE, _covariance(_COMMON) + _covariance(_OWN)), (THERE, _covariance(_COMMON))):
        off = np.log(made[side].assumed.weight / PRIORS[side].weight).ravel()
        assert off == pytest.approx(covariance @ pull, abs=0.02)
        assert np.abs(off).max() > 0.3


def test_unknown_survival_takes_its_part_of_the_level() -> None:
    """Four times the liquidations are four times the positions or fewer exits, in proportion to the prior variances."""
    told = hours(4.0 * MINE, 800, 16)
    own = found({HERE: told})[HERE]
    standing_usd = (told.swept * own.assumed.weight).sum()
    share = np.log(own.fitted_usd / standing_usd) / np.log(own.fitted_usd / own.prior_usd)
    sd = PRIOR.log_sd
    assert share == pytest.approx(sd**2 / (sd**2 + LEVEL_SD**2), abs=0.05)
    left = 1.0 / np.sqrt(sd**-2 + LEVEL_SD**-2)
    assert own.assumed.log_sd.min() > 0.9 * left  # no amount of data tells the level better


def test_known_survival_raises_the_level_by_its_inverse() -> None:
    """A third of those whom the mark reaches are liquidated, and the feed shows what the prior predicts."""
    own = fit("v", PRIORS, {HERE: hours(MINE, 800, 17)}, Survival(-np.log(3.0), 0.01))[HERE]
    assert np.log(own.assumed.weight / MINE).mean() == pytest.approx(np.log(3.0), abs=0.3)
    assert own.fitted_usd == pytest.approx(own.realised_usd, rel=0.2)


def test_survival_alone_moves_nothing() -> None:
    for side, own in fit("v", PRIORS, {}, Survival(-1.0, 0.3)).items():
        assert own.assumed.weight.tobytes() == PRIORS[side].weight.tobytes()


def test_prior_is_kept_bit_for_bit_without_observations() -> None:
    no_hours = Observed(np.zeros((0, *SHAPE)), np.zeros(0))
    for made in (found({}), found({HERE: no_hours})):
        assert list(made) == list(SIDES)
        for side, own in made.items():
            assert own.assumed.weight.tobytes() == PRIORS[side].weight.tobytes()
            assert (own.assumed.version, own.hours, own.realised_usd, own.distance) == ("v", 0, 0.0, 0.0)


def test_uncertainty_without_data_is_that_of_the_prior() -> None:
    covariance = (_covariance(_COMMON) + _covariance(_OWN)).reshape(*SHAPE, *SHAPE)
    for side, own in found({}).items():
        stands = PRIORS[side].weight * HALF_LIVES
        share = stands / stands.sum(axis=1, keepdims=True)
        sd = [np.sqrt(share[k] @ covariance[k, :, k] @ share[k]) for k in range(len(share))]
        assert own.assumed.log_sd == pytest.approx(sd, rel=1e-6)
        assert LEVEL_SD < own.assumed.log_sd.min() < own.assumed.log_sd.max() < 1.5


def test_hours_without_sweeps_keep_the_prior() -> None:
    own = found({HERE: Observed(np.zeros((50, *SHAPE)), np.zeros(50))})[HERE]
    assert own.assumed.weight.tobytes() == MINE.tobytes()
    assert own.hours == 50


def test_exchange_without_feed_borrows_the_common_level() -> None:
    made, alone = found({HERE: hours(4.0 * MINE, 600, 3)}), found({})
    here, there = (log_stands(made[s].assumed.weight) - log_stands(PRIORS[s].weight) for s in (HERE, THERE))
    assert 0.6 * np.log(4.0) < here.mean() < np.log(4.0)  # survival takes the rest
    assert 0.6 * here.mean() < there.mean() < 1.05 * here.mean()
    middle = slice(1, 6)
    assert (made[HERE].assumed.log_sd < made[THERE].assumed.log_sd)[middle].all()
    assert (made[THERE].assumed.log_sd < alone[THERE].assumed.log_sd)[middle].all()


def test_differing_exchanges_are_distinguished() -> None:
    made = found({HERE: hours(2.0 * MINE, 400, 3), THERE: hours(PRIORS[THERE].weight, 400, 4)})
    here, there = (log_stands(made[s].assumed.weight) - log_stands(PRIORS[s].weight) for s in (HERE, THERE))
    assert here.mean() - there.mean() > 0.3


def test_incomplete_feed_moves_shape_not_level() -> None:
    """The truth has more high leverage than the prior; the reported fraction must not matter."""
    whole, alone = hours(MINE * (LEVERAGE / 18) ** 0.5, 800, 5), found({})[HERE].assumed.log_sd
    parts = (0.5, 0.05)
    told = [Observed(whole.swept, whole.realised * p, TYPICAL_SIZE_USD * p, complete=False) for p in parts]
    half, little = (found({HERE: each})[HERE].assumed for each in told)
    off = log_stands(half.weight) - log_stands(MINE)
    assert off[1] - off[5] > 0.5  # the true difference between 50x and 3x is 1.4
    assert abs(off.mean()) < 0.3
    assert log_stands(little.weight) - log_stands(MINE) == pytest.approx(off, abs=0.05)
    for own in (half, little):
        assert (own.log_sd > LEVEL_SD).all()  # the level stays as uncertain as before
        assert (own.log_sd < alone).all()


def test_incomplete_feed_above_prediction_raises_the_level() -> None:
    made = found({HERE: hours(4.0 * MINE, 600, 6, complete=False)})[HERE]
    assert np.log(made.fitted_usd / made.prior_usd) > 1.0


def test_zero_realised_lowers_weights_but_keeps_them_positive() -> None:
    quiet = hours(MINE, 300, 7)
    made = found({HERE: Observed(quiet.swept, np.zeros(300))})
    for side in SIDES:
        assert (made[side].assumed.weight < 0.5 * PRIORS[side].weight).all()
        assert (made[side].assumed.weight > 0.0).all()
        assert np.isfinite(made[side].assumed.log_sd).all()


def test_more_data_leaves_less_uncertainty() -> None:
    made = [found({HERE: hours(MINE, n, 8)})[HERE].assumed.log_sd for n in (0, 20, 100, 500)]
    assert (np.diff(made, axis=0) < 0.0).all()


def test_larger_positions_leave_more_uncertainty() -> None:
    """Chance is larger with few large positions."""
    calm = hours(0.1 * MINE, 200, 9)
    small, large = (
        found({HERE: Observed(calm.swept, calm.realised, size)})[HERE].assumed.log_sd for size in (1e4, 1e8)
    )
    assert (small < large).all()


def test_fit_is_deterministic_and_ignores_side_order() -> None:
    observed = {HERE: hours(3.0 * MINE, 200, 10), THERE: hours(MINE, 100, 11, complete=False)}
    one, again = found(observed), found(observed)
    turned = found(dict(reversed(observed.items())), dict(reversed(PRIORS.items())))
    for side in SIDES:
        assert one[side].assumed.weight.tobytes() == again[side].assumed.weight.tobytes()
        assert one[side].assumed.log_sd.tobytes() == again[side].assumed.log_sd.tobytes()
        assert turned[side].assumed.weight == pytest.approx(one[side].assumed.weight, rel=1e-6)
        assert turned[side].assumed.log_sd == pytest.approx(one[side].assumed.log_sd, rel=1e-6)


def test_order_of_hours_does_not_matter() -> None:
    told = hours(3.0 * MINE, 200, 12)
    mixed = np.random.default_rng(0).permutation(200)
    one = found({HERE: told})[HERE].assumed
    other = found({HERE: Observed(told.swept[mixed], told.realised[mixed])})[HERE].assumed
    assert other.weight == pytest.approx(one.weight, rel=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
@pytest.mark.parametrize("where", ["swept", "realised", "size_usd"])
def test_invalid_figures_are_refused_by_side(bad: float, where: str) -> None:
    told = hours(MINE, 5, 13)
    swept, realised = told.swept.copy(), told.realised.copy()
    swept[2, 1, 1], realised[2] = bad if where == "swept" else 1.0, bad if where == "realised" else 1.0
    size = bad if where == "size_usd" else 1e6
    with pytest.raises(ValueError, match=re.escape(str(THERE))):
        found({HERE: told, THERE: Observed(swept, realised, size)})


def test_fit_reports_hours_usd_and_distance() -> None:
    told = hours(3.0 * MINE, 200, 14)
    own = found({HERE: told})[HERE]
    assert own.hours == 200
    assert own.realised_usd == pytest.approx(told.realised.sum())
    assert own.prior_usd == pytest.approx((told.swept * MINE).sum())
    assert own.fitted_usd == pytest.approx(own.realised_usd, rel=0.3)
    assert own.prior_usd < 0.5 * own.realised_usd
    assert own.distance > 0.5
