"""How much is opened: the activity of a bar, in coins, that the weights of the crowd are shares of.

In the long run openings follow what is traded. Where an exchange publishes how many accounts hold a side, their change
tells more than volume does: it is added, and within the long run volume counts less than in proportion, for in a storm
most of it is closing, liquidation and passing through; activity then turns open interest over at the geometric mean of
the bar's own rate and the typical one. That was chosen on markets whose positions are known. Without such numbers all
of the volume counts, and changes of open interest do not: chosen on recorded liquidations.
"""

from __future__ import annotations

from math import exp2, isnan, sqrt

from numba.extending import register_jitable

FIRST_TURNOVER_PER_HOUR = 0.12
"""Taker volume of an hour over open interest, as long as a market's own is not known."""

MOST = 20.0
_HALF_LIFE_H = 72.0  # of the memory of what is typical
_GROWTH = 8.0
"""Activity for each share that a side's accounts grow by: about the inverse of a typical sum of weights."""


@register_jitable
def activity(
    taker_base: float, open_interest: float, hours: float, turnover_per_hour: float, account_growth: float
) -> float:
    """Coins at a weight of one, for one side of one bar.

    taker_base: taker volume of the bar, buys and sells halved (coins); open_interest: coins, one side;
    turnover_per_hour: the typical one; account_growth: change of the number of the side's accounts over that number,
    NaN where it is not published.
    """
    if open_interest <= 0.0:
        return 0.0
    if isnan(account_growth):
        return max(taker_base, 0.0)
    turnover = sqrt(hours * turnover_per_hour * max(taker_base, 0.0) / open_interest)
    return open_interest * max(turnover + _GROWTH * account_growth, 0.0)


@register_jitable
def typical(turnover_per_hour: float, taker_base: float, open_interest: float, hours: float) -> float:
    """What is typical after a bar: an average that forgets, with a half-life of three days.

    No bar counts as more than MOST times what was typical: one wrong reading of open interest would spoil days.
    """
    if open_interest <= 0.0:
        return turnover_per_hour
    forgotten = 1.0 - exp2(-hours / _HALF_LIFE_H)
    rate = min(max(taker_base, 0.0) / (open_interest * hours), MOST * turnover_per_hour)
    return turnover_per_hour + forgotten * (rate - turnover_per_hour)
