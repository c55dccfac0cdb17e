"""Whose rows a file's names and coins are: the exchange's contracts, those that are not listed yet among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from transforms.exchanges.parsing.coin_names import BINANCE, BYBIT, base_of, coin_of
from transforms.imports.cells import words
from transforms.imports.layout import Refused

_NAMES: Mapping[str, tuple[str, Mapping[str, tuple[str, float]]]] = {
    "binance": ("USDT", BINANCE),
    "bybit": ("USDT", BYBIT),
    "okx": ("-USDT-SWAP", {}),
}
"""How the name of a perpetual settled in USDT ends, and the coins whose names say more than the coin."""

_ONE_COIN = ("binance", "bybit")  # a linear contract of these is one unit of its name


@dataclass(frozen=True)
class ContractHints:
    """What the importer says of contracts that the warehouse does not know.

    sizes: by instrument, "" for all: coins in one contract (linear) or dollars (inverse).
    """

    coin: str | None = None
    kind: str = "linear"
    sizes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Contract:
    """One contract; `is_new` where core.instruments does not have it. Sizes as in that table."""

    instrument: str
    coin: str
    kind: str
    contract_base: float | None
    contract_usd: float | None
    unit_multiplier: float
    is_new: bool


def own_rows(frame: pl.DataFrame, at: Mapping[str, str], exchange: str) -> pl.DataFrame:
    """The rows of `exchange`; all, where no column tells exchanges apart. Raises Refused when none is left."""
    if "exchange" not in at:
        return frame
    names = words(frame, at["exchange"]).str.to_lowercase()
    if exchange not in names:
        raise Refused(f"column {at['exchange']!r} has no row of {exchange}; there are {_some(names.unique().sort())}")
    return frame.filter(names == exchange)


def names(frame: pl.DataFrame, at: Mapping[str, str], instrument: str | None) -> tuple[pl.Series, bool]:
    """Each row's instrument or, where none is told, its coin (True). Raises Refused without either."""
    if instrument is not None:
        return pl.Series([instrument]).new_from_index(0, frame.height), False
    if "instrument" in at:
        return words(frame, at["instrument"]), False
    if "coin" in at:
        return words(frame, at["coin"]).str.to_uppercase(), True
    raise Refused(
        "nothing says whose rows these are; add --instrument BTCUSDT, or --columns instrument=… or --columns coin=…"
    )


def contracts(
    listed: pl.DataFrame, exchange: str, found: Iterable[str], said: ContractHints, *, by_coin: bool
) -> dict[str, Contract]:
    """The contract of each name, or coin, in `found`. `listed`: the exchange's rows of core.instruments.

    Raises Refused for a contract that is not listed and of which too little is known.
    """
    known = {row["instrument"]: row for row in listed.sort("valid_from_utc").iter_rows(named=True)}
    named = {each: _instrument(known, exchange, each) if by_coin else each for each in found}
    if said.coin and len(named) > 1:
        raise Refused(
            f"--coin {said.coin} is said of {len(named)} contracts ({_some(named.values())}); import one by one"
        )
    return {
        each: _listed(known[name], said) if name in known else _new(exchange, name, said)
        for each, name in named.items()
    }


def _instrument(known: Mapping[str, Mapping[str, object]], exchange: str, coin: str) -> str:
    own = [i for i, row in known.items() if row["coin"] == coin and row["kind"] == "linear"]
    ending, coins = _NAMES[exchange]
    return own[0] if len(own) == 1 else base_of(coin, coins) + ending


def _listed(row: Mapping[str, object], said: ContractHints) -> Contract:
    name = str(row["instrument"])
    size = said.sizes.get(name, said.sizes.get(""))
    held = row["contract_base"] if row["kind"] == "linear" else row["contract_usd"]
    if said.coin not in (None, row["coin"]) or size not in (None, held):
        raise Refused(
            f"{name} is listed with coin {row['coin']} and contract size {held}; leave --coin and the size out"
        )
    about = {c: row[c] for c in ("instrument", "coin", "kind", "contract_base", "contract_usd", "unit_multiplier")}
    return Contract(**about, is_new=False)  # type: ignore[arg-type]


def _new(exchange: str, name: str, said: ContractHints) -> Contract:
    ending, coins = _NAMES[exchange]
    usual = coin_of(name.removesuffix(ending), coins) if name.endswith(ending) and name != ending else None
    if said.coin is None and (usual is None or said.kind != "linear"):
        raise Refused(f"{name} is not known on {exchange}; say on which coin it is: --coin BTC")
    coin, multiplier = usual if usual and said.coin in (None, usual[0]) else (str(said.coin), 1.0)
    size = said.sizes.get(name, said.sizes.get(""))
    if size is None and said.kind == "linear" and exchange in _ONE_COIN:
        size = 1.0
    if size is None:
        what = "coins" if said.kind == "linear" else "dollars"
        raise Refused(
            f"{name} is not known on {exchange}; say how many {what} a contract is: --contract-size {name}=0.01"
        )
    base, usd = (size, None) if said.kind == "linear" else (None, size)
    return Contract(name, coin, said.kind, base, usd, multiplier, is_new=True)


def _some(values: Iterable[str]) -> str:
    shown = list(dict.fromkeys(values))
    return ", ".join(shown[:10]) + (f" and {len(shown) - 10} more" if len(shown) > 10 else "")
