"""The commands that draw what was: heatmap, history, report."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from warehouse.cli.options import AsOf, Coin, Warehouse, market_of, one_of, open_catalog, wrote
from warehouse.errors import UserError

Picture = Annotated[Path, typer.Option(help="Picture or page by its ending, e.g. --out btc.png, btc.html")]
Span = Annotated[
    str,
    typer.Option(metavar="12h|24h|3d|7d|30d|90d|180d|1y", help="How far back, e.g. --span 30d; less if there is less"),
]


def heatmap(coin: Coin, out: Picture, span: Span = "7d", as_of: AsOf = None, warehouse: Warehouse = None) -> None:
    """Draw the map through time: price by time, modelled notional as colour, the mark over it.

    Example: liq heatmap BTC --span 30d --out btc.png
    """
    from transforms.charts import heatmap as chart
    from transforms.charts.heatmap_rows import SPANS
    from warehouse.catalog import history_queries as read_history
    from warehouse.reports.charts import PICTURES, kind, save

    kind(out, PICTURES)
    one_of("span", span, SPANS)
    with open_catalog(warehouse) as catalog:
        market = market_of(catalog, coin, as_of, warehouse)
        heat = read_history.heat(catalog, market, span)
    print(wrote(save(chart.draw(heat), out), market))


def history(
    coin: Coin,
    price: Annotated[float, typer.Argument(help="The level, in USD, e.g. 95000", show_default=False)],
    out: Picture,
    span: Span = "30d",
    as_of: AsOf = None,
    warehouse: Warehouse = None,
) -> None:
    """Draw one price level through time, with its band and the mark.

    Example: liq level BTC 95000 --span 90d --out level.png
    """
    from transforms.charts import level_history
    from transforms.charts.heatmap_rows import SPANS
    from warehouse.catalog import history_queries as read_history
    from warehouse.reports.charts import PICTURES, kind, save

    kind(out, PICTURES)
    one_of("span", span, SPANS)
    if not (math.isfinite(price) and price > 0):
        raise UserError(f"{price:g} is not a price; write e.g. 95000")
    with open_catalog(warehouse) as catalog:
        market = market_of(catalog, coin, as_of, warehouse)
        rows = read_history.level(catalog, market, price, span)
    print(wrote(save(level_history.draw(rows, market.coin, price, SPANS[span]), out), market))


def report(
    coin: Coin,
    out: Annotated[Path, typer.Option(help="The page, e.g. --out report.html")],
    as_of: AsOf = None,
    warehouse: Warehouse = None,
) -> None:
    """Write one page with every picture of a coin, that loads nothing and reads on a phone.

    Example: liq report BTC --out report.html
    """
    from warehouse.reports import report as pages
    from warehouse.reports.charts import PAGES, kind

    kind(out, PAGES)
    with open_catalog(warehouse) as catalog:
        market = market_of(catalog, coin, as_of, warehouse)
        print(wrote(pages.write(catalog, market, out), market))


COMMANDS = (heatmap, history, report)
