"""Activity of a bar: the coins that the weights of the crowd are shares of.

In the long run, openings are proportional to traded volume.

Where an exchange publishes the number of accounts per side, the growth of that number is added to activity, because it
is more informative than volume. Volume then counts less than in proportion: in a volatile hour most of it is closing,
liquidation and intraday round trips. Open interest turns over at the geometric mean of the bar's own rate and the
typical rate. This form was selected on markets with known positions.

Without account numbers all volume counts, and changes of open interest do not. That was selected on recorded
liquidations.
"""

from __future__ import annotations

from math import exp2, isnan, sqrt

from numba.extending import register_jitable

FIRST_TURNOVER_PER_HOUR = 0.12
"""Initial turnover: hourly taker volume over open interest, until the market's own is known."""

MOST = 20.0
_HALF_LIFE_H = 72.0  # of the moving average of turnover
_GROWTH = 8.0
"""Activity per unit of relative account growth: about the inverse of a typical sum of weights."""


@register_jitable
def activity(
    taker_base: float, open_interest: float, hours: float, turnover_per_hour: float, account_growth: float
) -> float:
    """Return one side's activity in one bar: coins opened at a weight of one.

    taker_base: half the bar's taker volume, buys plus sells (coins); open_interest: coins, one side;
    turnover_per_hour: typical turnover; account_growth: relative change in the number of the side's accounts, NaN
    where it is not published.
    """
    if open_interest <= 0.0:
        return 0.0
    if isnan(account_growth):
        return max(taker_base, 0.0)
    turnover = sqrt(hours * turnover_per_hour * max(taker_base, 0.0) / open_interest)
    return open_interest * max(turnover + _GROWTH * account_growth, 0.0)


@register_jitable
def typical(turnover_per_hour: float, taker_base: float, open_interest: float, hours: float) -> float:
    """Return the typical turnover after a bar: an exponential moving average with a half-life of three days.

    A bar's rate is capped at MOST times the previous average, so that one wrong reading of open interest cannot distort
    it for days.
    """
    if open_interest <= 0.0:
        return turnover_per_hour
    decay = 1.0 - exp2(-hours / _HALF_LIFE_H)
    rate = min(max(taker_base, 0.0) / (open_interest * hours), MOST * turnover_per_hour)
    return turnover_per_hour + decay * (rate - turnover_per_hour)
