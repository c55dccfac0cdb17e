"""Markets for the model's tests: generated hours of bars, and a contract."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import strategies as st

from transforms.exchanges.parsing.documented_tiers import documented
from transforms.model.distance_profile import Contract
from transforms.model.estimator import HourInput
from transforms.model.liquidation_price import Tiers
from transforms.model.population import Population
from transforms.model.step import Bar

LONG, SHORT = +1, -1
SETTLED = {"observed_h": math.inf}
"""State of a population whose usual turnover no longer moves."""
FIRST_H = 490_920  # hours since the epoch; an arbitrary one
UNKNOWN = math.nan
_CAP, _RATE, _DEDUCTION = (
    tuple(float(str(tier[name])) for tier in documented("binance"))
    for name in ("tier_cap", "maintenance_rate", "deduction")
)
CONTRACT = Contract("binance", "linear", Tiers(_CAP, _RATE, _DEDUCTION, (150.0,) * len(_CAP)))


def flat_rate(kind: str = "linear") -> Contract:
    """Return a contract with the same liquidation distances at every price."""
    return Contract("binance", kind, Tiers((1e12,), (0.004,), (0.0,), (150.0,), "base" if kind == "inverse" else "usd"))


def bar(price: float, oi: float, *, low: float = 0, high: float = 0, close: float = 0, taker: float = UNKNOWN) -> Bar:
    """Return an hour's only bar, flat and of unknown volume by default."""
    close = close or price
    return Bar(1.0, price, high or max(price, close), low or min(price, close), close, taker, oi)


@st.composite
def walks(
    draw: st.DrawFn, *, hours: tuple[int, int] = (2, 5), bars: tuple[int, int] = (0, 3), known: bool = False
) -> list[HourInput]:
    """Draw hours with moves up to 3 % a bar, gaps and jumps of open interest, unknown or 0 at times unless `known`."""
    price = draw(st.floats(0.01, 1e5)) * 1.00037  # not on the edge of a bucket
    readings = [st.floats(10.0, 1000.0), st.just(500.0), *([] if known else [st.just(UNKNOWN), st.just(0.0)])]
    made = []
    for n in range(draw(st.integers(*hours))):
        count, own = draw(st.integers(*bars)), []
        length = draw(st.sampled_from([1.0, 1.0, 0.5])) / max(count, 1)
        for _ in range(count):
            opened, price = price, price * draw(st.floats(0.97, 1.03))
            high = max(opened, price) * draw(st.floats(1.0, 1.02))
            low = min(opened, price) * draw(st.floats(0.98, 1.0))
            taker, growth = draw(st.floats(0.0, 300.0)), draw(st.sampled_from([UNKNOWN, UNKNOWN, 0.0, 0.01, -0.01]))
            own.append(Bar(length, opened, high, low, price, taker, draw(st.one_of(readings)), growth))
        told = bool(own) and not math.isnan(own[-1].open_interest)
        made.append(HourInput(FIRST_H + n, {LONG: own, SHORT: own}, CONTRACT, fresh=told))
    return made


def first_price(hours: list[HourInput]) -> float:
    return next((b.open for hour in hours for b in hour.bars[LONG]), 100.0)


def sides(price: float = 100.0, **state: float) -> dict[int, Population]:
    """Return empty populations of both sides, with attributes as in `state`."""
    return {s: replace(Population.empty(s, price), **state) for s in (LONG, SHORT)}  # type: ignore[arg-type]
