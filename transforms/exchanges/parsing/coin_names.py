"""The coins behind instruments' names, and the number of coins in one unit of the name.

The names follow no rule, hence a table: `1000X` is a thousand X, `1INCH` a coin, `1MBABYDOGE` a million BABYDOGE.
"""

from __future__ import annotations

from collections.abc import Mapping

_THOUSANDS = ("BONK", "CAT", "CHEEMS", "FLOKI", "LUNC", "PEPE", "RATS", "SATS", "SHIB", "WHY", "X", "XEC")

BINANCE: Mapping[str, tuple[str, float]] = {
    **{f"1000{coin}": (coin, 1e3) for coin in _THOUSANDS},
    "1000000BOB": ("BOB", 1e6),
    "1000000MOG": ("MOG", 1e6),
    "1MBABYDOGE": ("BABYDOGE", 1e6),
}

BYBIT: Mapping[str, tuple[str, float]] = {
    **{
        f"1000{coin}": (coin, 1e3)
        for coin in ("BONK", "BTT", "CAT", "FLOKI", "LUNC", "PEPE", "RATS", "TOSHI", "TURBO", "X", "XEC")
    },
    **{f"10000{coin}": (coin, 1e4) for coin in ("COQ", "ELON", "LADYS", "QUBIC", "SATS", "WEN")},
    **{f"1000000{coin}": (coin, 1e6) for coin in ("BABYDOGE", "CHEEMS", "MOG", "PEIPEI")},
    "1000NEIROCTO": ("NEIROCTO", 1e3),
    "SHIB1000": ("SHIB", 1e3),
}


def coin_of(base: str, names: Mapping[str, tuple[str, float]]) -> tuple[str, float]:
    """Return the coin behind a base asset's name, and the number of coins in one unit."""
    return names.get(base, (base, 1.0))


def base_of(coin: str, names: Mapping[str, tuple[str, float]]) -> str:
    """Return the name under which an exchange lists a coin."""
    return next((base for base, (named, _) in names.items() if named == coin), coin)
