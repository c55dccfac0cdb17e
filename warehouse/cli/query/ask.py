"""The commands that ask: headline, map, sql, tables."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from warehouse.cli.options import AsOf, Coin, Out, Rows, Warehouse, market_of, one_of, open_catalog, wrote
from warehouse.cli.output import Format, emit
from warehouse.errors import UserError

if TYPE_CHECKING:
    import duckdb

    from expectations.contract import Table

Prices = Annotated[
    list[float] | None,
    typer.Option(
        "--price", help="A level to speak of; may be repeated, e.g. --price 95000 --price 110000", show_default=False
    ),
]
MostRows = Annotated[int, typer.Option("--rows", min=1, help="At most so many rows in a table, e.g. --rows 20")]


def headline(coin: Coin, as_of: AsOf = None, price: Prices = None, warehouse: Warehouse = None) -> None:
    """Say what a move would liquidate, where, and which side is heavier.

    Example: liq headline BTC --price 100000
    """
    for level in price or ():
        if not (math.isfinite(level) and level > 0):
            raise UserError(f"--price {level:g} is not a price; write e.g. --price 100000")
    with open_catalog(warehouse) as catalog:
        market = market_of(catalog, coin, as_of, warehouse)
    from transforms.charts import headline as sentences

    for sentence in sentences.write(market, price or ()):
        print(sentence)


def map_(
    coin: Coin,
    out: Annotated[
        Path, typer.Option(help="Picture, page or rows by its ending, e.g. --out btc.png, btc.html, btc.csv")
    ],
    as_of: AsOf = None,
    window: Annotated[
        str, typer.Option(metavar="1d|7d|30d|all", help="Positions opened in this window, e.g. --window 7d")
    ] = "all",
    by: Annotated[
        str, typer.Option(metavar="exchange|leverage", help="What bars are made of, e.g. --by leverage")
    ] = "exchange",
    exchange: Annotated[
        str | None, typer.Option(help="One exchange instead of all, e.g. --exchange bybit", show_default=False)
    ] = None,
    estimator: Annotated[
        str | None,
        typer.Option(
            metavar="fitted|prior|ladder|distance|open_interest",
            help="Made again by this one instead of as published, e.g. --estimator ladder",
            show_default=False,
        ),
    ] = None,
    warehouse: Warehouse = None,
) -> None:
    """Draw the map: bars by exchange or leverage, cumulative longs and shorts, the mark.

    Example: liq map BTC --window 7d --out btc.html
    """
    from transforms.charts.liquidation_map_rows import PARTS
    from transforms.charts.snapshot import WINDOWS
    from warehouse.catalog.snapshot_queries import by_leverage, of_exchange
    from warehouse.reports.charts import kind, save_map

    kind(out)
    one_of("window", window, WINDOWS)
    one_of("way to part the bars", by, PARTS)
    if estimator and by == "leverage":
        raise UserError("--by leverage is of the published map; leave --estimator out")
    with open_catalog(warehouse) as catalog:
        market = market_of(catalog, coin, as_of, warehouse)
        if estimator is not None:
            from warehouse.evaluation.estimator_replay import by_estimator

            market = by_estimator(catalog, market, estimator)
        if by == "leverage":
            market = by_leverage(catalog, market)
    chosen = of_exchange(market, exchange.lower()) if exchange else market
    print(wrote(save_map(chosen, window, out, by), market))


def sql(
    query: Annotated[
        str,
        typer.Argument(
            help="One DuckDB statement, or a file of one that ends in .sql; tables as liq tables names them",
            show_default=False,
        ),
    ],
    form: Rows = Format.TABLE,
    out: Out = None,
    rows: MostRows = 100,
    warehouse: Warehouse = None,
) -> None:
    """Ask in SQL.

    Example: liq sql "SELECT hour_utc, imbalance FROM mart.market_balance WHERE coin = 'BTC' AND distance_bp = 500"
    """
    from warehouse.catalog.snapshot_queries import query as ask

    if not query.strip():
        raise UserError('nothing is asked; write e.g. liq sql "SELECT * FROM mart.market_balance"')
    statement = Path(query).read_text() if query.endswith(".sql") else query
    with open_catalog(warehouse) as catalog:
        found = ask(catalog, statement)
    if found.columns:
        emit(found, form, out, most=rows)
    else:
        print("done: the statement gives no rows")


def tables(form: Rows = Format.TABLE, out: Out = None, warehouse: Warehouse = None) -> None:
    """List the tables: what each holds, how many rows, from when to when.

    Example: liq tables --format json
    """
    import polars as pl

    from expectations.tables import load

    with open_catalog(warehouse) as catalog:
        emit(pl.DataFrame([_extent(catalog, table) for table in load().values()], infer_schema_length=None), form, out)


COMMANDS = (headline, map_, sql, tables)


def _extent(catalog: duckdb.DuckDBPyConnection, table: Table) -> dict[str, object]:
    from warehouse.catalog.snapshot_queries import ask

    time = table.time_column or "NULL::TIMESTAMP"
    row = ask(catalog, "export/extent", table=table.full_name, time=time).row(0, named=True)
    return {"table": table.full_name, "kind": table.kind, **row, "what": table.doc.split(". ")[0].rstrip(".")}
