"""Exchanges, one folder each. A new one is a folder whose `adapter.py` answers to `Adapter`, and a line here."""

from __future__ import annotations

from transforms.exchanges.binance import adapter as binance
from transforms.exchanges.bybit import adapter as bybit
from transforms.exchanges.okx import adapter as okx
from transforms.exchanges.protocol import Adapter

ADAPTERS: dict[str, Adapter] = {"binance": binance, "bybit": bybit, "okx": okx}


def adapter(name: str) -> Adapter:
    """The exchange's module by its name."""
    if name not in ADAPTERS:
        raise ValueError(f"no exchange {name!r}; known are {', '.join(ADAPTERS)}")
    return ADAPTERS[name]
