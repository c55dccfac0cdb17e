"""The command that takes in what others recorded: import."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from warehouse.cli_options import Warehouse, settings_of
from warehouse.errors import UserError

if TYPE_CHECKING:
    from warehouse.importing import Imported


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


def import_(
    file: File,
    form: As,
    exchange: Exchange,
    columns: Columns = None,
    instrument: Instrument = None,
    unit: UnitOf = None,
    sides: Sides = None,
    prices: PricesOf = None,
    side_words: SideWords = None,
    complete: Complete = False,
    source: Name = None,
    coin: CoinOf = None,
    contract_size: Size = None,
    kind: KindOf = Kind.LINEAR,
    warehouse: Warehouse = None,
) -> None:
    """Take in history that somebody else recorded: checked, marked with its source, published whole or not at all.

    Example: liq import oi.parquet --as open_interest --exchange binance --columns time=ts_ms,instrument=symbol --unit
    base --sides 1 --source kaiko
    """
    settings = settings_of(warehouse=warehouse)
    from transforms.exchanges import ADAPTERS
    from transforms.imports.contracts import Said
    from transforms.imports.layout import Layout
    from warehouse.cli_progress import progress
    from warehouse.importing import Wanted, import_file

    if exchange.lower() not in ADAPTERS:
        raise UserError(f"no exchange {exchange!r}; there are {', '.join(ADAPTERS)}")
    named = _pairs("--columns", ",".join(columns or []))
    layout = Layout(
        _form(form, prices, named), named, unit.value if unit else None, sides, _sides(side_words), complete
    )
    said = Said(coin.upper() if coin else None, kind.value, _sizes(contract_size))
    wanted = Wanted(file, exchange.lower(), layout, instrument, said, _name(source))
    with progress() as told:
        made = import_file(settings, wanted, told)
    for line in _lines(made, settings.root):
        print(line)


def _form(form: Form, prices: Prices | None, columns: Mapping[str, str]) -> str:
    if form is Form.PRICE_BARS:
        if prices is None:
            raise UserError("bars are of the mark price or of trades; say which: --prices mark or --prices trade")
        return f"{prices.value}_bars"
    sums = form is Form.REALISED_LIQUIDATIONS and {"long", "short"} & columns.keys()
    return "liquidation_sums" if sums else form.value


def _pairs(option: str, text: str) -> dict[str, str]:
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


def _sides(text: str | None) -> dict[str, str]:
    words = _pairs("--side-words", text or "long=long,short=short")
    if words.keys() != {"long", "short"} or len({word.lower() for word in words.values()}) == 1:
        raise UserError(f"--side-words: {text!r} does not say two words; write e.g. long=sell,short=buy")
    return words


def _sizes(text: str | None) -> dict[str, float]:
    if text is None:
        return {}
    said = _pairs("--contract-size", text) if "=" in text else {"": text}
    try:
        sizes = {name: float(size) for name, size in said.items()}
    except ValueError as error:
        raise UserError(f"--contract-size: {error}; write e.g. 0.01, or BTC-USDT-SWAP=0.01") from error
    if not all(0 < size < float("inf") for size in sizes.values()):
        raise UserError(f"--contract-size: {text} is not above zero")
    return sizes


def _name(source: str | None) -> str | None:
    if source is not None and not all(c.isascii() and (c.isalnum() or c in "._-") for c in source):
        raise UserError(f"--source {source!r}: a name is of letters, digits, dots, dashes and underscores")
    return source.lower() if source else None


def _lines(made: Imported, root: Path) -> Iterator[str]:
    """A line for each thing that was done, and what to do next."""
    coins = ",".join(sorted({c.coin for c in made.contracts}))
    wanted = made.wanted
    span = f"{made.first_hour:%Y-%m-%d %H:%M} to {made.last_hour:%Y-%m-%d %H:%M} UTC"
    said = "Imported" if made.published else "Nothing new: what the file holds is imported already"
    yield f"{said}; {wanted.exchange} {coins}; hours {span}; marked {wanted.source}"
    yield f"  read       {made.rows:,} rows of {wanted.layout.series} on {made.days} days"
    if made.left_out or made.others:
        yield f"  left out   {made.left_out:,} rows that were there twice, {made.others:,} of other venues"
    if not made.published:
        return
    if new := ", ".join(c.instrument for c in made.contracts if c.is_new):
        yield f"  made known {new}, with the documented margin tiers until the venue lists it"
    yield f"  checked    {made.checks} checks, {len(made.warnings)} warnings"
    yield from (f"  warning    {warning}" for warning in dict.fromkeys(made.warnings))
    yield f"  published  {made.published} partitions in {root}"
    hours = f"--from {made.first_hour:%Y-%m-%dT%H:%MZ} --to {made.last_hour:%Y-%m-%dT%H:%MZ} --coins {coins}"
    again = ", and all published later ones again" if made.remakes else ""
    yield f"  next       the map of these hours{again}: liq run {hours}"


COMMANDS = (import_,)
