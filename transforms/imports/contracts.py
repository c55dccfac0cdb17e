"""The contract of each row of a file, from its instrument or coin, including contracts not listed yet."""

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
"""By exchange, the suffix of a USDT-settled perpetual's name, and coins with a prefixed name such as 1000PEPE."""

_ONE_COIN = ("binance", "bybit")  # a linear contract of these is one unit of the coin in its name


@dataclass(frozen=True)
class ContractHints:
    """Attributes that the importer gives for contracts unknown to the warehouse.

    sizes: coins (linear) or dollars (inverse) in one contract, by instrument, "" for all.
    """

    coin: str | None = None
    kind: str = "linear"
    sizes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Contract:
    """One contract, with sizes as in core.instruments; `is_new` if that table lacks it."""

    instrument: str
    coin: str
    kind: str
    contract_base: float | None
    contract_usd: float | None
    unit_multiplier: float
    is_new: bool


def own_rows(frame: pl.DataFrame, at: Mapping[str, str], exchange: str) -> pl.DataFrame:
    """Return the rows of `exchange`, or all rows without an exchange column. Raises Refused when none is left."""
    if "exchange" not in at:
        return frame
    names = words(frame, at["exchange"]).str.to_lowercase()
    if exchange not in names:
        raise Refused(
            f"column {at['exchange']!r} has no row of {exchange}, only of {_first_ten(names.unique().sort())}"
        )
    return frame.filter(names == exchange)


def names(frame: pl.DataFrame, at: Mapping[str, str], instrument: str | None) -> tuple[pl.Series, bool]:
    """Return each row's instrument and False or, without instruments, its coin and True.

    Raises Refused without either.
    """
    if instrument is not None:
        return pl.Series([instrument]).new_from_index(0, frame.height), False
    if "instrument" in at:
        return words(frame, at["instrument"]), False
    if "coin" in at:
        return words(frame, at["coin"]).str.to_uppercase(), True
    raise Refused(
        "the rows have no instrument or coin; add --instrument BTCUSDT, or --columns instrument=… or --columns coin=…"
    )


def contracts(
    listed: pl.DataFrame, exchange: str, found: Iterable[str], hints: ContractHints, *, by_coin: bool
) -> dict[str, Contract]:
    """Return the contract of each instrument, or coin, in `found`. listed: the exchange's rows of core.instruments.

    Raises Refused for an unlisted contract without a coin or contract size.
    """
    known = {row["instrument"]: row for row in listed.sort("valid_from_utc").iter_rows(named=True)}
    named = {each: _instrument(known, exchange, each) if by_coin else each for each in found}
    if hints.coin and len(named) > 1:
        raise Refused(
            f"--coin {hints.coin} applies to one contract, the file has {len(named)} ({_first_ten(named.values())}); "
            "import each contract from a file of its own"
        )
    return {
        each: _listed(known[name], hints) if name in known else _new(exchange, name, hints)
        for each, name in named.items()
    }


def _instrument(known: Mapping[str, Mapping[str, object]], exchange: str, coin: str) -> str:
    own = [i for i, row in known.items() if row["coin"] == coin and row["kind"] == "linear"]
    ending, coins = _NAMES[exchange]
    return own[0] if len(own) == 1 else base_of(coin, coins) + ending


def _listed(row: Mapping[str, object], hints: ContractHints) -> Contract:
    name = str(row["instrument"])
    size = hints.sizes.get(name, hints.sizes.get(""))
    held = row["contract_base"] if row["kind"] == "linear" else row["contract_usd"]
    if hints.coin not in (None, row["coin"]) or size not in (None, held):
        raise Refused(
            f"{name} is listed with coin {row['coin']} and contract size {held}; drop --coin and --contract-size"
        )
    attributes = {c: row[c] for c in ("instrument", "coin", "kind", "contract_base", "contract_usd", "unit_multiplier")}
    return Contract(**attributes, is_new=False)  # type: ignore[arg-type]


def _new(exchange: str, name: str, hints: ContractHints) -> Contract:
    ending, coins = _NAMES[exchange]
    usual = coin_of(name.removesuffix(ending), coins) if name.endswith(ending) and name != ending else None
    if hints.coin is None and (usual is None or hints.kind != "linear"):
        raise Refused(f"{name} is not a known contract of {exchange}; name its coin, such as --coin BTC")
    coin, multiplier = usual if usual and hints.coin in (None, usual[0]) else (str(hints.coin), 1.0)
    size = hints.sizes.get(name, hints.sizes.get(""))
    if size is None and hints.kind == "linear" and exchange in _ONE_COIN:
        size = 1.0
    if size is None:
        unit = "coins" if hints.kind == "linear" else "dollars"
        raise Refused(
            f"{name} is not a known contract of {exchange}; "
            f"give its size in {unit}, such as --contract-size {name}=0.01"
        )
    base, usd = (size, None) if hints.kind == "linear" else (None, size)
    return Contract(name, coin, hints.kind, base, usd, multiplier, is_new=True)


def _first_ten(values: Iterable[str]) -> str:
    shown = list(dict.fromkeys(values))
    return ", ".join(shown[:10]) + (f" and {len(shown) - 10} more" if len(shown) > 10 else "")
