"""The command that takes in what others recorded: import."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.cli.load.import_options import (
    As,
    CoinOf,
    Columns,
    Complete,
    Exchange,
    File,
    Form,
    Instrument,
    Kind,
    KindOf,
    Name,
    Prices,
    PricesOf,
    Sides,
    SideWords,
    Size,
    UnitOf,
    name,
    pairs,
    side_pair,
    sizes,
)
from warehouse.cli.options import Warehouse, settings_of
from warehouse.errors import UserError

if TYPE_CHECKING:
    from warehouse.pipeline.imports import Imported


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
    from transforms.imports.contracts import ContractHints
    from transforms.imports.layout import Layout
    from warehouse.cli.progress import show_progress
    from warehouse.pipeline.imports import ImportRequest, import_file

    if exchange.lower() not in ADAPTERS:
        raise UserError(f"no exchange {exchange!r}; there are {', '.join(ADAPTERS)}")
    named = pairs("--columns", ",".join(columns or []))
    layout = Layout(
        _form(form, prices, named), named, unit.value if unit else None, sides, side_pair(side_words), complete
    )
    said = ContractHints(coin.upper() if coin else None, kind.value, sizes(contract_size))
    wanted = ImportRequest(file, exchange.lower(), layout, instrument, said, name(source))
    with show_progress() as progress:
        made = import_file(settings, wanted, progress)
    for line in _lines(made, settings.root):
        print(line)


def _form(form: Form, prices: Prices | None, columns: Mapping[str, str]) -> str:
    if form is Form.PRICE_BARS:
        if prices is None:
            raise UserError("bars are of the mark price or of trades; say which: --prices mark or --prices trade")
        return f"{prices.value}_bars"
    sums = form is Form.REALISED_LIQUIDATIONS and {"long", "short"} & columns.keys()
    return "liquidation_sums" if sums else form.value


def _lines(made: Imported, root: Path) -> Iterator[str]:
    """A line for each thing that was done, and what to do next."""
    coins = ",".join(sorted({c.coin for c in made.contracts}))
    wanted = made.wanted
    span = f"{made.first_hour:%Y-%m-%d %H:%M} to {made.last_hour:%Y-%m-%d %H:%M} UTC"
    said = "Imported" if made.published else "Nothing new: what the file holds is imported already"
    yield f"{said}; {wanted.exchange} {coins}; hours {span}; marked {wanted.source}"
    yield f"  read       {made.rows:,} rows of {wanted.layout.series} on {made.days} days"
    if made.left_out or made.others:
        yield f"  left out   {made.left_out:,} rows that were there twice, {made.others:,} of other exchanges"
    if not made.published:
        return
    if new := ", ".join(c.instrument for c in made.contracts if c.is_new):
        yield f"  made known {new}, with the documented margin tiers until the exchange lists it"
    yield f"  checked    {made.checks} checks, {len(made.warnings)} warnings"
    yield from (f"  warning    {warning}" for warning in dict.fromkeys(made.warnings))
    yield f"  published  {made.published} partitions in {root}"
    hours = f"--from {made.first_hour:%Y-%m-%dT%H:%MZ} --to {made.last_hour:%Y-%m-%dT%H:%MZ} --coins {coins}"
    again = ", and all published later ones again" if made.remakes else ""
    yield f"  next       the map of these hours{again}: liq backfill {hours}"


COMMANDS = (import_,)
