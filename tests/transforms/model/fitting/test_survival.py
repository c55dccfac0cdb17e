"""Survival from the flows of open interest: more early closes mean more lost open interest per liquidated coin."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.model.fitting.survival import LEAST_HOURS, PRIOR, Flows, survival


def flows(loss: float, hours: int = 500, seed: int = 0, noise: float = 1e-3) -> Flows:
    """Return hours in which open interest loses `loss` coins per liquidated coin, beside what trading opens."""
    rng = np.random.default_rng(seed)
    moved = rng.lognormal(-5.0, 0.6, hours)
    traded = 0.03 * rng.lognormal(0.0, 0.4, hours) * (1.0 + 20.0 * moved)
    liquidated = rng.gamma(0.3, 0.01, hours) * moved / moved.mean()
    change = -loss * liquidated + 0.05 * traded - 0.3 * moved + noise * rng.standard_normal(hours)
    return Flows(change, liquidated, traded, moved)


@pytest.mark.parametrize("loss", [1.0, 2.0, 4.0])
def test_more_lost_per_liquidated_coin_means_less_survival(loss: float) -> None:
    """Every amount but the liquidated one is a nuisance; three exchanges determine it better than one."""
    one, three = (survival([flows(loss, seed=seed) for seed in range(n)]) for n in (1, 3))
    assert three.log_mean == pytest.approx(-0.9 * np.log(loss), abs=0.15)
    assert 0.25 < three.log_sd < one.log_sd < PRIOR.log_sd


def test_nothing_known_is_the_prior() -> None:
    undetermined = Flows(*np.zeros((4, 500)))
    few = flows(3.0, hours=LEAST_HOURS - 1)
    unknown = Flows(few.change, few.liquidated, np.full_like(few.traded, np.nan), few.moved)
    assert survival([]) == survival([few]) == survival([unknown]) == survival([undetermined]) == PRIOR
    assert PRIOR.log_mean == 0.0


def test_an_ill_determined_loss_hardly_counts() -> None:
    told, noisy = survival([flows(4.0)]), survival([flows(4.0, noise=0.5)])
    assert abs(noisy.log_mean) < 0.2 * abs(told.log_mean)
    assert noisy.log_sd > told.log_sd


def test_hours_with_unknown_amounts_are_left_out() -> None:
    known = flows(2.0)
    outcome = (np.append(each, [np.nan, 0.0]) for each in (known.change, known.liquidated))
    nuisance = (np.append(each, [0.01, np.nan]) for each in (known.traded, known.moved))
    assert survival([Flows(*outcome, *nuisance)]) == survival([known])


def test_openings_that_hide_the_loss_raise_survival_only_so_far() -> None:
    hidden, none = (survival([flows(loss)]).log_mean for loss in (-3.0, 0.0))
    assert hidden == none == pytest.approx(-0.9 * np.log(0.8))
