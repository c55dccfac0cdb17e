"""Options of `liq import` and their parsers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from warehouse.errors import UserError


class Form(StrEnum):
    """The series that a file may hold."""

    OPEN_INTEREST = "open_interest"
    PRICE_BARS = "price_bars"
    REALISED_LIQUIDATIONS = "realised_liquidations"


class Prices(StrEnum):
    """The price that bars are made of."""

    MARK = "mark"
    TRADE = "trade"


class Unit(StrEnum):
    """The unit of amounts."""

    BASE = "base"
    CONTRACTS = "contracts"
    USD = "usd"


class Kind(StrEnum):
    """The payoff of a contract."""

    LINEAR = "linear"
    INVERSE = "inverse"


File = Annotated[Path, typer.Argument(help="A Parquet or CSV file, e.g. oi.parquet", show_default=False)]
As = Annotated[Form, typer.Option("--as", help="Series in the file, e.g. --as open_interest", show_default=False)]
Exchange = Annotated[str, typer.Option(help="Exchange of the data, e.g. --exchange binance", show_default=False)]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        metavar="OURS=THEIRS,…",
        help="Column mapping, e.g. --columns time=ts_ms,open_interest=oi,instrument=symbol; "
        "columns that already have our name can be left out",
        show_default=False,
    ),
]
Instrument = Annotated[
    str | None, typer.Option(help="Contract of all rows, e.g. --instrument BTCUSDT", show_default=False)
]
UnitOf = Annotated[Unit | None, typer.Option("--unit", help="Unit of amounts, e.g. --unit base", show_default=False)]
Sides = Annotated[
    int | None,
    typer.Option(min=1, max=2, help="Sides counted in open interest, e.g. --sides 1", show_default=False),
]
PricesOf = Annotated[
    Prices | None, typer.Option("--prices", help="Price of the bars, e.g. --prices mark", show_default=False)
]
SideWords = Annotated[
    str | None,
    typer.Option(
        metavar="long=WORD,short=WORD",
        help="Words for the liquidated side, e.g. --side-words long=sell,short=buy",
        show_default=False,
    ),
]
Complete = Annotated[
    bool,
    typer.Option(
        "--complete/--incomplete",
        help="Whether the file has every liquidation between its first and its last, e.g. --complete",
    ),
]
Name = Annotated[
    str | None,
    typer.Option("--source", metavar="NAME", help="Provider of the data, e.g. --source kaiko", show_default=False),
]
CoinOf = Annotated[
    str | None, typer.Option("--coin", help="Coin of a contract not listed yet, e.g. --coin BTC", show_default=False)
]
Size = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE or NAME=SIZE,…",
        help="Coins (inverse: dollars) per contract not listed yet, e.g. --contract-size BTC-USDT-SWAP=0.01",
        show_default=False,
    ),
]
KindOf = Annotated[Kind, typer.Option("--kind", help="Payoff of a contract not listed yet, e.g. --kind linear")]


def pairs(option: str, text: str) -> dict[str, str]:
    """Parse `a=b,c=d` into a mapping. Raises UserError for a malformed part or a repeated name."""
    mapping: dict[str, str] = {}
    for part in (each for each in text.split(",") if each.strip()):
        ours, is_pair, theirs = (each.strip() for each in part.partition("="))
        if not (ours and is_pair and theirs):
            raise UserError(f"{option}: {part!r} is not of the form name=value")
        if ours in mapping:
            raise UserError(f"{option} has {ours} twice; leave one out")
        mapping[ours] = theirs
    return mapping


def side_pair(text: str | None) -> dict[str, str]:
    """Parse `long=sell,short=buy`, each side once. Raises UserError for anything else."""
    words = pairs("--side-words", text or "long=long,short=short")
    if words.keys() != {"long", "short"} or len({word.lower() for word in words.values()}) == 1:
        raise UserError(f"--side-words: {text!r} does not give a word for each side; write e.g. long=sell,short=buy")
    return words


def sizes(text: str | None) -> dict[str, float]:
    """Parse `0.01` or `NAME=0.01,…` into sizes by contract name, "" for all. Raises UserError for an invalid size."""
    if text is None:
        return {}
    given = pairs("--contract-size", text) if "=" in text else {"": text}
    try:
        found = {name: float(size) for name, size in given.items()}
    except ValueError as error:
        raise UserError(f"--contract-size: {error}; write e.g. 0.01, or BTC-USDT-SWAP=0.01") from error
    if not all(0 < size < float("inf") for size in found.values()):
        raise UserError(f"--contract-size: {text} is not above zero")
    return found


def name(source: str | None) -> str | None:
    """Return the name of a source in lower case. Raises UserError for characters not allowed in it."""
    if source is not None and not all(c.isascii() and (c.isalnum() or c in "._-") for c in source):
        raise UserError(f"--source {source!r}: a name has only letters, digits, dots, dashes and underscores")
    return source.lower() if source else None
