"""The listings: coins of the simulated market, and their contracts on each exchange."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from warehouse.simulator.market.seeds import stream

Exchange = Literal["binance", "bybit", "okx"]
EXCHANGES: tuple[Exchange, ...] = ("binance", "bybit", "okx")
LAUNCH_MS = 1_577_836_800_000  # 2020-01-01: no trades before


@dataclass(frozen=True)
class Coin:
    """One coin: its price in USD, its price dynamics, and the open interest and activity of its contracts."""

    name: str
    price_usd: float
    beta: float
    own_sigma: float  # standard deviation of a day's return without the market's share
    step_ms: int  # step of its price path
    lot_base: float  # the smallest amount, in coins: sizes are whole lots, so that sums are exact
    one_sided_base: tuple[float, float, float]  # target open interest, by exchange
    entries_per_day: tuple[float, float, float]


@dataclass(frozen=True)
class Instrument:
    """One linear USDT perpetual. One native unit is ``multiplier`` coins; an OKX contract is ``contract_units``."""

    exchange: Exchange
    coin: str
    symbol: str
    base_asset: str
    multiplier: int
    price_decimals: int
    unit_decimals: int
    contract_units: float = 1.0
    launch_ms: int = LAUNCH_MS

    @property
    def family(self) -> str:
        """The name of the index: BTC-USDT on OKX, BTCUSDT elsewhere."""
        return self.symbol.removesuffix("-SWAP")


MAJORS = (
    Coin("BTC", 100_000.0, 1.0, 0.004, 20_000, 0.001, (80e3, 50e3, 30e3), (6000, 4500, 3000)),
    Coin("ETH", 3_600.0, 1.25, 0.014, 20_000, 0.01, (1.6e6, 0.9e6, 0.6e6), (4000, 3000, 2000)),
    Coin("SOL", 180.0, 1.35, 0.02, 20_000, 0.1, (9e6, 5e6, 3e6), (3000, 2200, 1500)),
    Coin("DOGE", 0.24, 1.35, 0.022, 60_000, 10.0, (2.0e9, 1.1e9, 0.6e9), (700, 500, 300)),
    Coin("AVAX", 28.0, 1.4, 0.022, 60_000, 1.0, (9e6, 4e6, 2e6), (500, 350, 250)),
)

SMALL_USD = {
    "XRP": 2.4, "BNB": 900.0, "ADA": 0.7, "LINK": 17.0, "DOT": 4.2, "LTC": 95.0, "BCH": 520.0, "TRX": 0.3,
    "UNI": 7.5, "AAVE": 240.0, "NEAR": 2.6, "APT": 4.8, "SUI": 3.2, "ARB": 0.4, "OP": 0.7, "INJ": 12.0, "TIA": 1.6,
    "SEI": 0.28, "FIL": 2.3, "ATOM": 4.1, "ETC": 19.0, "XLM": 0.36, "HBAR": 0.22, "ICP": 5.0, "RUNE": 1.2,
    "CRV": 0.75, "LDO": 1.1, "ENS": 20.0, "GALA": 0.015, "ORDI": 9.0, "WIF": 0.8,
    "ALGO": 0.19, "APE": 0.45, "AXS": 1.5, "COMP": 42.0, "DYDX": 0.35, "EGLD": 12.0, "FLOW": 0.3, "GRT": 0.07,
    "IMX": 0.5, "JUP": 0.4, "KAVA": 0.15, "MANA": 0.25, "ONDO": 0.75, "PYTH": 0.12, "SAND": 0.24, "STX": 0.55,
    "PEPE": 0.00001, "SHIB": 0.000012, "BONK": 0.00002,
}  # fmt: skip
SINGLE_EXCHANGE = {"RUNE": ("binance",), "ENS": ("binance", "bybit"), "ORDI": ("okx", "binance")}
THOUSANDS = {"PEPE": "1000PEPEUSDT", "SHIB": "SHIB1000USDT", "BONK": "1000BONKUSDT"}  # Bybit's names
OKX_CONTRACTS = {
    "BTC": 0.01, "ETH": 0.1, "SOL": 1.0, "DOGE": 1000.0, "AVAX": 1.0,
    "PEPE": 10_000_000.0, "SHIB": 1_000_000.0, "BONK": 100_000.0,
}  # fmt: skip


def _power_of_ten(value: float) -> float:
    return float(10.0 ** round(np.log10(value)))


def _small(name: str, price: float) -> Coin:
    """Return a small coin: tens of millions of dollars, a hundred traders a day, a coarser path."""
    total = 2e7 * float(stream(0, "listing", name).lognormal(0.0, 0.8)) / price
    return Coin(
        name, price, 1.3, 0.035, 300_000, _power_of_ten(20.0 / price), (total, total / 2, total / 3), (120, 80, 60)
    )


COINS: dict[str, Coin] = {coin.name: coin for coin in MAJORS} | {n: _small(n, p) for n, p in SMALL_USD.items()}


def price_decimals(price: float) -> int:
    """Return the decimals of the tick, which is about a millionth of the price."""
    return int(max(1, 5 - np.floor(np.log10(price))))


def contract_coins(coin: str, price_usd: float) -> float:
    """Return the number of coins in one OKX contract."""
    return OKX_CONTRACTS.get(coin) or _power_of_ten(10.0 / price_usd)


def symbol_of(exchange: Exchange, coin: str) -> str:
    """Return the exchange's symbol of a coin's USDT perpetual."""
    if exchange == "okx":
        return f"{coin}-USDT-SWAP"
    if coin in THOUSANDS:
        return THOUSANDS[coin] if exchange == "bybit" else f"1000{coin}USDT"
    return f"{coin}USDT"


@cache
def instrument(exchange: Exchange, coin: str) -> Instrument:
    """Return the contract of a listed coin on one exchange."""
    multiplier = 1000 if coin in THOUSANDS and exchange != "okx" else 1
    price = COINS[coin].price_usd * multiplier
    symbol = symbol_of(exchange, coin)
    base = coin if exchange == "okx" else symbol.removesuffix("USDT")
    lot_decimals = int(max(0, -np.floor(np.log10(COINS[coin].lot_base / multiplier))))
    units = contract_coins(coin, COINS[coin].price_usd) if exchange == "okx" else 1.0
    return Instrument(exchange, coin, symbol, base, multiplier, price_decimals(price), lot_decimals, units)


@cache
def listed(exchange: Exchange) -> tuple[Instrument, ...]:
    """Return all contracts of one exchange."""
    coins = (coin for coin in COINS if exchange in SINGLE_EXCHANGE.get(coin, EXCHANGES))
    return tuple(instrument(exchange, coin) for coin in coins)
