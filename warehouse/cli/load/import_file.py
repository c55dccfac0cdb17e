"""The command `liq import`: third-party history."""

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
    """Import third-party history from a file: checked, labelled with its source, all-or-nothing.

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
        raise UserError(f"unknown exchange {exchange!r}; there are {', '.join(ADAPTERS)}")
    named = pairs("--columns", ",".join(columns or []))
    layout = Layout(
        _form(form, prices, named), named, unit.value if unit else None, sides, side_pair(side_words), complete
    )
    hints = ContractHints(coin.upper() if coin else None, kind.value, sizes(contract_size))
    request = ImportRequest(file, exchange.lower(), layout, instrument, hints, name(source))
    with show_progress() as progress:
        result = import_file(settings, request, progress)
    for line in _lines(result, settings.root):
        print(line)


def _form(form: Form, prices: Prices | None, columns: Mapping[str, str]) -> str:
    if form is Form.PRICE_BARS:
        if prices is None:
            raise UserError("price_bars needs the kind of price: add --prices mark or --prices trade")
        return f"{prices.value}_bars"
    sums = form is Form.REALISED_LIQUIDATIONS and {"long", "short"} & columns.keys()
    return "liquidation_sums" if sums else form.value


def _lines(result: Imported, root: Path) -> Iterator[str]:
    """Yield the summary: the rows read and left out, the checks, the partitions published, and the next command."""
    coins = ",".join(sorted({c.coin for c in result.contracts}))
    request = result.request
    span = f"{result.first_hour:%Y-%m-%d %H:%M} to {result.last_hour:%Y-%m-%d %H:%M} UTC"
    outcome = "Imported" if result.published else "Nothing new: every row of the file is imported already"
    yield f"{outcome}; {request.exchange} {coins}; hours {span}; source {request.source}"
    yield f"  read       {result.rows:,} rows of {request.layout.series} on {result.days} days"
    if result.duplicates or result.foreign_rows:
        yield f"  left out   {result.duplicates:,} duplicate rows, {result.foreign_rows:,} rows of other exchanges"
    if not result.published:
        return
    if new := ", ".join(c.instrument for c in result.contracts if c.is_new):
        yield f"  new        {new}, with the documented margin tiers until the exchange lists it"
    yield f"  checked    {result.checks} checks, {len(result.warnings)} warnings"
    yield from (f"  warning    {warning}" for warning in dict.fromkeys(result.warnings))
    yield f"  published  {result.published} partitions in {root}"
    hours = f"--from {result.first_hour:%Y-%m-%dT%H:%MZ} --to {result.last_hour:%Y-%m-%dT%H:%MZ} --coins {coins}"
    again = " and rebuild all later ones" if result.makes_stale else ""
    yield f"  next       build the map of these hours{again}: liq backfill {hours}"
