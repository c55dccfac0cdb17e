"""Options of `liq import`, and what is said in them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from warehouse.errors import UserError


class Form(StrEnum):
    """What a file may hold."""

    OPEN_INTEREST = "open_interest"
    PRICE_BARS = "price_bars"
    REALISED_LIQUIDATIONS = "realised_liquidations"


class Prices(StrEnum):
    """Whose prices bars are of."""

    MARK = "mark"
    TRADE = "trade"


class Unit(StrEnum):
    """What amounts are counted in."""

    BASE = "base"
    CONTRACTS = "contracts"
    USD = "usd"


class Kind(StrEnum):
    """How a contract pays."""

    LINEAR = "linear"
    INVERSE = "inverse"


File = Annotated[Path, typer.Argument(help="A Parquet or CSV file, e.g. oi.parquet", show_default=False)]
As = Annotated[Form, typer.Option("--as", help="What it holds, e.g. --as open_interest", show_default=False)]
Exchange = Annotated[str, typer.Option(help="Whose it is, e.g. --exchange binance", show_default=False)]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        metavar="OURS=THEIRS,…",
        help="What its columns are, e.g. --columns time=ts_ms,open_interest=oi,instrument=symbol; "
        "a column that bears our name need not be named",
        show_default=False,
    ),
]
Instrument = Annotated[
    str | None, typer.Option(help="The contract of all its rows, e.g. --instrument BTCUSDT", show_default=False)
]
UnitOf = Annotated[
    Unit | None, typer.Option("--unit", help="What amounts are counted in, e.g. --unit base", show_default=False)
]
Sides = Annotated[
    int | None,
    typer.Option(min=1, max=2, help="Sides that open interest counts, e.g. --sides 1", show_default=False),
]
PricesOf = Annotated[
    Prices | None, typer.Option("--prices", help="What bars are of, e.g. --prices mark", show_default=False)
]
SideWords = Annotated[
    str | None,
    typer.Option(
        metavar="long=WORD,short=WORD",
        help="Its words for the side that was liquidated, e.g. --side-words long=sell,short=buy",
        show_default=False,
    ),
]
Complete = Annotated[
    bool,
    typer.Option(
        "--complete/--incomplete",
        help="Whether it holds every liquidation from its first to its last, e.g. --complete",
    ),
]
Name = Annotated[
    str | None,
    typer.Option("--source", metavar="NAME", help="Who recorded it, e.g. --source kaiko", show_default=False),
]
CoinOf = Annotated[
    str | None, typer.Option("--coin", help="Coin of a contract not listed yet, e.g. --coin BTC", show_default=False)
]
Size = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE or NAME=SIZE,…",
        help="Coins (inverse: dollars) in a contract not listed yet, e.g. --contract-size BTC-USDT-SWAP=0.01",
        show_default=False,
    ),
]
KindOf = Annotated[Kind, typer.Option("--kind", help="How a contract not listed yet pays, e.g. --kind linear")]


def pairs(option: str, text: str) -> dict[str, str]:
    """`a=b,c=d` as a mapping. Raises UserError for a part that is none, or a name said twice."""
    made: dict[str, str] = {}
    for part in (each for each in text.split(",") if each.strip()):
        ours, is_pair, theirs = (each.strip() for each in part.partition("="))
        if not (ours and is_pair and theirs):
            raise UserError(f"{option}: {part!r} is not of the form name=name")
        if ours in made:
            raise UserError(f"{option}: {ours} is said twice")
        made[ours] = theirs
    return made


def side_pair(text: str | None) -> dict[str, str]:
    """`long=sell,short=buy` as a mapping, each side once. Raises UserError for anything else."""
    words = pairs("--side-words", text or "long=long,short=short")
    if words.keys() != {"long", "short"} or len({word.lower() for word in words.values()}) == 1:
        raise UserError(f"--side-words: {text!r} does not say two words; write e.g. long=sell,short=buy")
    return words


def sizes(text: str | None) -> dict[str, float]:
    """`0.01`, or `NAME=0.01,…`, by name, "" for all. Raises UserError for what is no size."""
    if text is None:
        return {}
    said = pairs("--contract-size", text) if "=" in text else {"": text}
    try:
        found = {name: float(size) for name, size in said.items()}
    except ValueError as error:
        raise UserError(f"--contract-size: {error}; write e.g. 0.01, or BTC-USDT-SWAP=0.01") from error
    if not all(0 < size < float("inf") for size in found.values()):
        raise UserError(f"--contract-size: {text} is not above zero")
    return found


def name(source: str | None) -> str | None:
    """The name of a source, in lower case. Raises UserError for what could not stand in `source`."""
    if source is not None and not all(c.isascii() and (c.isalnum() or c in "._-") for c in source):
        raise UserError(f"--source {source!r}: a name is of letters, digits, dots, dashes and underscores")
    return source.lower() if source else None
