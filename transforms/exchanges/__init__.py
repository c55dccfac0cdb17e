"""Exchange adapters, one folder each.

To add an exchange, write a folder whose `adapter.py` implements `Adapter`, and register it here.
"""

from __future__ import annotations

from transforms.exchanges.binance import adapter as binance
from transforms.exchanges.bybit import adapter as bybit
from transforms.exchanges.okx import adapter as okx
from transforms.exchanges.protocol import Adapter

ADAPTERS: dict[str, Adapter] = {"binance": binance, "bybit": bybit, "okx": okx}


def adapter(name: str) -> Adapter:
    """Return an exchange's adapter. Raises ValueError, which lists the known exchanges, for any other name."""
    if name not in ADAPTERS:
        raise ValueError(f"no exchange {name!r}; known are {', '.join(ADAPTERS)}")
    return ADAPTERS[name]
