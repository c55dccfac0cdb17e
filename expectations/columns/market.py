"""Columns of open interest, prices, volume and liquidations."""

from __future__ import annotations

from expectations.columns.kinds import FLOAT, TEXT, WHOLE
from expectations.contract import Column

COLUMNS = (
    # open interest and prices
    Column("reported", FLOAT, "Open interest as published by the exchange", minimum=0),
    Column("reported_unit", TEXT, "Unit of `reported`", allowed=("base", "contracts", "usd")),
    Column(
        "sides_counted",
        WHOLE,
        "Number of sides that `reported` adds up; null if the exchange does not say",
        minimum=1,
        maximum=2,
    ),
    Column(
        "origin",
        TEXT,
        "Snapshot of the moment, the exchange's history, or an archive file. Archive times that no mark price "
        "could confirm may be off by five minutes",
        allowed=("snapshot", "history", "archive"),
    ),
    Column("open_interest_base", FLOAT, "Open interest, one side", "coins", minimum=0),
    Column("open_interest_usd", FLOAT, "Open interest, one side, valued at the mark", "usd", minimum=0),
    Column("mark_price", FLOAT, "Mark price at the row's time", "usd", minimum=0),
    Column("open", FLOAT, "First price of the bar", "usd", minimum=0),
    Column("high", FLOAT, "Highest price of the bar", "usd", minimum=0),
    Column("low", FLOAT, "Lowest price of the bar", "usd", minimum=0),
    Column("close", FLOAT, "Last price of the bar", "usd", minimum=0),
    Column(
        "price_kind",
        TEXT,
        "`mark`, or `trade` if the exchange published no mark and trade prices replace it",
        allowed=("mark", "trade"),
    ),
    Column("volume_base", FLOAT, "Traded volume; null if not published", "coins", minimum=0),
    Column("taker_buy_base", FLOAT, "Volume bought by takers; null if not published", "coins", minimum=0),
    Column("long_account_share", FLOAT, "Share of accounts that are net long", minimum=0, maximum=1),
    Column(
        "top_long_account_share",
        FLOAT,
        "Share of the exchange's top traders' accounts that are net long",
        minimum=0,
        maximum=1,
    ),
    Column("top_long_position_share", FLOAT, "Share of the top traders' positions that are long", minimum=0, maximum=1),
    Column("funding_rate", FLOAT, "Funding that longs pay to shorts for the interval", minimum=-1, maximum=1),
    Column("seq", WHOLE, "Order among events with the same time", minimum=0),
    Column("price", FLOAT, "Price of the event or level", "usd", minimum=0),
    Column("size_base", FLOAT, "Size of the liquidation", "coins", minimum=0),
    Column(
        "completeness",
        TEXT,
        "Coverage of the feed: `complete`, `recent` (a list that may be truncated) or `sampled`",
        allowed=("complete", "recent", "sampled"),
    ),
)
