"""How much is opened: the activity of a bar, in coins, that the weights of the crowd are shares of.

Openings follow what is traded, but less than in proportion: in a storm most of the volume is closing, liquidation and
passing through. On markets whose positions are known the square root of the turnover explains what stands best, and
where a venue publishes how many accounts hold a side, their change tells more than volume does.
"""

from __future__ import annotations

from math import sqrt

TYPICAL_TURNOVER_PER_HOUR = 0.12
"""Taker volume of an hour over open interest at which activity equals that volume."""

_GROWTH = 10.0  # activity for each share by which a side's accounts grow: the inverse of a typical sum of weights


def activity(taker_base: float, open_interest: float, hours: float, account_growth: float) -> float:
    """Coins at a weight of one, for one side of one bar.

    taker_base: taker volume of the bar, buys and sells halved (coins); open_interest: coins, one side;
    account_growth: change of the number of the side's accounts over that number, 0 where it is not published.
    """
    if open_interest <= 0.0:
        return 0.0
    turnover = sqrt(TYPICAL_TURNOVER_PER_HOUR * hours * max(taker_base, 0.0) / open_interest)
    return open_interest * max(turnover + _GROWTH * account_growth, 0.0)
