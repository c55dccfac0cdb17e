"""Numbers as analysts write them: 1.45B, 103,753, -1.0 %."""

from __future__ import annotations

import math
from datetime import datetime

_UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))
_NEXT, _FINE = 0.9995, 99.995
"""What would round to 1000 of a unit is 1 of the next; below 100 of a unit there are two decimals."""


def amount(dollars: float) -> str:
    """Write at most four figures and a unit: `1.45B`, `700M`, `37.68M`, `12.35K`, `0`."""
    for unit, suffix in _UNITS:
        if dollars >= unit * _NEXT:
            scaled = dollars / unit
            return (f"{scaled:.2f}".rstrip("0").rstrip(".") if scaled < _FINE else f"{scaled:.0f}") + suffix
    return f"{dollars:.0f}"


def vega_amount(value: str = "datum.value") -> str:
    """Return `amount` of `value`, an expression of Vega, as an expression of Vega."""
    written = f"format({value}, '.0f')"
    for unit, suffix in reversed(_UNITS):
        scaled = f"({value}) / {unit:.0f}"
        form = f"format({scaled}, {scaled} < {_FINE} ? '.2~f' : '.0f') + '{suffix}'"
        written = f"({value}) >= {unit * _NEXT!r} ? {form} : {written}"
    return written


def decimals(price: float) -> int:
    """Decimals that leave a price five figures, whole dollars at most."""
    return max(0, 4 - math.floor(math.log10(price))) if price > 0 else 0


def price_text(price: float) -> str:
    """`103,753`, `3,105.2`, `142.31`, `0.17234`."""
    return f"{price:,.{decimals(price)}f}"


def percent(share: float) -> str:
    """Signed, one decimal: `-1.0 %`."""
    return f"{share:+.1%}".replace("%", " %")


def part(share: float, decimals: int = 0) -> str:
    """Without a sign: `7 %`."""
    return f"{share:.{decimals}%}".replace("%", " %")


def hour_text(hour: datetime) -> str:
    """`2026-01-12 00:00 UTC`."""
    return f"{hour:%Y-%m-%d %H:%M} UTC"


def listing(words: list[str]) -> str:
    """`binance, bybit and okx`."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
