"""Activity of a bar: the coins that the weights of the crowd are shares of, and how fast positions age.

In the long run, openings are proportional to traded volume.

Where an exchange publishes the number of accounts per side, the growth of that number is added to activity, because it
is more informative than volume. Volume then counts less than in proportion: in a volatile hour most of it is closing,
liquidation and intraday round trips. Open interest turns over at the geometric mean of the bar's own rate and the
usual rate. This form was selected on markets with known positions.

Without account numbers all volume counts, and changes of open interest do not. That was selected on recorded
liquidations.

The weights were chosen on markets that turn over fast. Where turnover is usually n times lower, a coin of volume opens
sqrt(n) coins and positions are held sqrt(n) times longer. The share of open interest within reach then does not depend
on turnover (openings times holding time; Little, Oper. Res. 9, 1961). The even split between the two was selected on
markets with known positions and real turnover.
"""

from __future__ import annotations

from math import exp2, isnan, sqrt

from numba.extending import register_jitable

FIRST_TURNOVER_PER_HOUR = 0.12
"""Hourly taker volume over open interest where the weights were chosen; assumed until a market's own is known."""

FIRST_COUNTS_H = 24.0
"""Hours of observation that the first turnover counts for."""

MOST_STRETCH = 3.0
"""Where turnover is more than nine times lower, most open interest is taken to be hedged or idle."""

MOST = 20.0
_HALF_LIFE_H = 336.0  # of the mean of turnover: shorter ones flatten violent hours
_GROWTH = 8.0
"""Activity per unit of relative account growth: about the inverse of a typical sum of weights."""


@register_jitable
def activity(
    taker_base: float, open_interest: float, hours: float, turnover_per_hour: float, account_growth: float
) -> float:
    """Return one side's activity in one bar: coins opened at a weight of one.

    taker_base: half the bar's taker volume, buys plus sells (coins), NaN where unknown; open_interest: coins, one side;
    turnover_per_hour: usual turnover; account_growth: relative change in the number of the side's accounts, NaN where
    it is not published.
    """
    if open_interest <= 0.0:
        return 0.0
    taker = 0.0 if isnan(taker_base) else max(taker_base, 0.0)
    if isnan(account_growth):
        return taker * stretch(turnover_per_hour)
    turnover = sqrt(hours * turnover_per_hour * taker / open_interest)
    opened = turnover * stretch(turnover_per_hour) + _GROWTH * account_growth
    return open_interest * max(opened, 0.0)


@register_jitable
def stretch(turnover_per_hour: float) -> float:
    """Return how many times longer positions are held than where the weights were chosen: 1 to MOST_STRETCH."""
    return sqrt(min(max(FIRST_TURNOVER_PER_HOUR / turnover_per_hour, 1.0), MOST_STRETCH**2))


@register_jitable
def usual(
    turnover_per_hour: float, observed_h: float, taker_base: float, open_interest: float, hours: float
) -> tuple[float, float]:
    """Return (turnover, hours it rests on) after a bar: a mean in which observations have a half-life of two weeks.

    A bar of unknown volume is no observation. A bar's rate is capped at MOST times the previous mean, so that one wrong
    reading of open interest cannot distort it for days.
    """
    if open_interest <= 0.0 or hours <= 0.0 or isnan(taker_base):
        return turnover_per_hour, observed_h
    rate = min(max(taker_base, 0.0) / (open_interest * hours), MOST * turnover_per_hour)
    before = observed_h * exp2(-hours / _HALF_LIFE_H)
    return turnover_per_hour + (rate - turnover_per_hour) * hours / (before + hours), before + hours
