"""Columns of open interest, prices, volume and liquidations."""

from __future__ import annotations

from expectations.columns.kinds import FLOAT, TEXT, WHOLE
from expectations.contract import Column

COLUMNS = (
    # open interest and prices
    Column("reported", FLOAT, "Open interest as the exchange prints it", minimum=0),
    Column("reported_unit", TEXT, "Unit of `reported`", allowed=("base", "contracts", "usd")),
    Column(
        "sides_counted",
        WHOLE,
        "Sides that `reported` adds up; null where the exchange does not say",
        minimum=1,
        maximum=2,
    ),
    Column(
        "origin",
        TEXT,
        "A snapshot of the moment; the exchange's history; or an archived file whose times no mark price could confirm, "
        "which may be five minutes off",
        allowed=("snapshot", "history", "archive"),
    ),
    Column("open_interest_base", FLOAT, "Open interest of one side", "coins", minimum=0),
    Column("open_interest_usd", FLOAT, "Open interest of one side, at the mark", "usd", minimum=0),
    Column("mark_price", FLOAT, "Mark price at the row's time", "usd", minimum=0),
    Column("open", FLOAT, "First price of the bar", "usd", minimum=0),
    Column("high", FLOAT, "Highest price of the bar", "usd", minimum=0),
    Column("low", FLOAT, "Lowest price of the bar", "usd", minimum=0),
    Column("close", FLOAT, "Last price of the bar", "usd", minimum=0),
    Column(
        "price_kind",
        TEXT,
        "`mark`, or `trade` where the exchange gave no mark and trades stand in",
        allowed=("mark", "trade"),
    ),
    Column("volume_base", FLOAT, "Traded volume; null where not published", "coins", minimum=0),
    Column("taker_buy_base", FLOAT, "Volume that lifted offers; null where not published", "coins", minimum=0),
    Column("long_account_share", FLOAT, "Accounts that are net long, as a share", minimum=0, maximum=1),
    Column("top_long_account_share", FLOAT, "The same among the exchange's top traders", minimum=0, maximum=1),
    Column("top_long_position_share", FLOAT, "Long share of the top traders' positions", minimum=0, maximum=1),
    Column("funding_rate", FLOAT, "Funding paid by longs to shorts for the interval", minimum=-1, maximum=1),
    Column("seq", WHOLE, "Order among events of one instant", minimum=0),
    Column("price", FLOAT, "Price of the event or level", "usd", minimum=0),
    Column("size_base", FLOAT, "Size", "coins", minimum=0),
    Column(
        "completeness",
        TEXT,
        "How much of the truth the feed holds: `complete`, `recent` (a list that may have been cut), `sampled`",
        allowed=("complete", "recent", "sampled"),
    ),
)
