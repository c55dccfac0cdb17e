"""OKX v5 on the wire: current open interest, prices, contracts and tiers, of one contract or all."""

from warehouse.simulator.exchanges.okx import contract_of, envelope, refuse
from warehouse.simulator.exchanges.wire import DAY_MS, Handler, Query, Reply, find, plain, ten_to_minus, text
from warehouse.simulator.market.listing import Instrument
from warehouse.simulator.market.source import FUNDING_MS, BarKind, Interval
from warehouse.simulator.market.tiers import Tier

FAMILIES = 5
UNUSED = ("alias", "auctionEndTime", "baseCcy", "category", "contTdSwTime", "expTime", "optType", "quoteCcy", "stk")
EMPTY = dict.fromkeys(UNUSED, "")


def swaps(query: Query, mandatory: bool = True) -> list[Instrument]:
    """Return the swaps selected by instType, instFamily, uly and instId."""
    if mandatory and not query.get("instType"):
        raise refuse("50014", "Parameter instType can not be empty.", 400)
    if query.get("instType") not in ("", "SWAP", "FUTURES", "OPTION", "SPOT", "MARGIN"):
        raise refuse("51000", "Parameter instType error")
    if query.get("instType") not in ("", "SWAP"):
        return []
    if query.get("instId"):
        return [contract_of(query)]
    family = query.get("instFamily") or query.get("uly")
    rows = [each for each in query.source.instruments("okx") if family in ("", each.family)]
    if family and not rows:
        raise refuse("51000", "Parameter instFamily error")
    return rows


def open_interest(query: Query) -> Reply:
    """Serve the current open interest in contracts, coins and dollars; ``ts`` is the time of the answer."""
    rows = []
    for each in swaps(query):
        now = query.source.open_interest_now(each, query.now_ms)
        for units, price in zip(now.units.tolist(), now.price.tolist(), strict=True):
            row = {"instId": each.symbol, "instType": "SWAP", "oi": plain(units / each.contract_units, 4)}
            row |= {"oiCcy": plain(units, 8), "oiUsd": plain(units * price, 2)}
            rows.append(row | {"ts": str(query.now_ms if query.source.dense else int(now.ts_ms[0]))})
    return envelope(rows)


def mark_price(query: Query) -> Reply:
    """Serve mark prices."""
    quotes = [(each, query.source.quote(each, query.now_ms)) for each in swaps(query)]
    return envelope(
        [
            {"instId": each.symbol, "instType": "SWAP", "markPx": text(q.mark, each.price_decimals), "ts": str(q.ts_ms)}
            for each, q in quotes
            if q.mark is not None
        ]
    )


def _day(query: Query, each: Instrument, kind: BarKind) -> dict[str, str]:
    """Return the high, low and open of the last 24 hours, and the volume if known."""
    step = Interval(DAY_MS, query.now_ms % DAY_MS)
    bars = query.source.bars(each, kind, step, query.now_ms - DAY_MS, query.now_ms - 1, query.now_ms)
    if not len(bars.open_ms):
        return {}
    tick = each.price_decimals
    row = {
        "open24h": text(float(bars.open[0]), tick),
        "high24h": text(float(bars.high[0]), tick),
        "low24h": text(float(bars.low[0]), tick),
    }
    if bars.volume is not None:
        units = float(bars.volume[0])
        row |= {"vol24h": plain(units / each.contract_units, 2), "volCcy24h": plain(units, 4)}
    return row


def index_tickers(query: Query) -> Reply:
    """Serve index prices, by pair."""
    if not query.get("quoteCcy") and not query.get("instId"):
        raise refuse("50014", "Parameter quoteCcy can not be empty.", 400)
    rows = []
    for each in query.source.instruments("okx"):
        quote = query.source.quote(each, query.now_ms)
        if (
            query.get("quoteCcy") not in ("", "USDT")
            or query.get("instId") not in ("", each.family)
            or quote.index is None
        ):
            continue
        row = {"instId": each.family, "idxPx": text(quote.index, each.price_decimals), "ts": str(quote.ts_ms)}
        rows.append(row | _day(query, each, "index") | {"sodUtc0": "", "sodUtc8": ""})
    if query.get("instId") and not rows:
        raise refuse("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
    return envelope(rows)


def tickers(query: Query) -> Reply:
    """Serve last prices."""
    rows = []
    for each in swaps(query):
        quote = query.source.quote(each, query.now_ms)
        if quote.last is None:
            continue
        last = text(quote.last, each.price_decimals)
        row = {"instType": "SWAP", "instId": each.symbol, "last": last, "lastSz": "1"}
        row |= {"askPx": last, "askSz": "1", "bidPx": last, "bidSz": "1"}
        rows.append(row | _day(query, each, "trade") | {"sodUtc0": "", "sodUtc8": "", "ts": str(quote.ts_ms)})
    return envelope(rows)


def funding_rate(query: Query) -> Reply:
    """Serve the funding rate predicted for the next settlement."""
    each = contract_of(query)
    quote = query.source.quote(each, query.now_ms)
    if quote.funding_rate is None:
        return envelope([])
    settles = Interval(FUNDING_MS).floor(query.now_ms) + FUNDING_MS
    row = {"formulaType": "noRate", "fundingRate": plain(quote.funding_rate, 10), "fundingTime": str(settles)}
    row |= {"instId": each.symbol, "instType": "SWAP", "method": "current_period", "maxFundingRate": "0.00375"}
    row |= {"minFundingRate": "-0.00375", "nextFundingRate": "", "nextFundingTime": str(settles + FUNDING_MS)}
    return envelope([row | {"premium": "", "settFundingRate": "", "settState": "settled", "ts": str(query.now_ms)}])


def instruments(query: Query) -> Reply:
    """Serve the live contracts."""
    rows = []
    for each in swaps(query):
        tiers = query.source.tiers(each)
        row = EMPTY | {
            "ctMult": "1",
            "ctType": "linear",
            "ctVal": plain(each.contract_units),
            "ctValCcy": each.base_asset,
        }
        row |= {"instFamily": each.family, "instId": each.symbol, "instType": "SWAP", "uly": each.family}
        row |= {"lever": plain(tiers[0].max_leverage, 0) if tiers else "", "listTime": str(each.launch_ms)}
        row |= {"lotSz": "0.01", "minSz": "0.01", "ruleType": "normal", "settleCcy": "USDT", "state": "live"}
        row |= {"maxLmtSz": "100000000", "maxMktSz": "85000", "maxTwapSz": "100000000", "maxStopSz": "85000"}
        rows.append(row | {"tickSz": ten_to_minus(each.price_decimals)})
    return envelope(rows)


def _tier(each: Instrument, number: int, tier: Tier) -> dict[str, str]:
    """Return a tier, bounds in contracts; it begins 0.01 contracts above the end of the tier below."""
    above = round(tier.floor / each.contract_units, 2)
    row = {"baseMaxLoan": "", "imr": plain(1.0 / tier.max_leverage, 4), "instFamily": each.family, "instId": ""}
    row |= {"maxLever": plain(tier.max_leverage, 2), "maxSz": plain(tier.cap / each.contract_units, 2)}
    row |= {"minSz": plain(above + 0.01, 2) if number > 1 else "0", "mmr": plain(tier.maintenance)}
    return row | {"optMgnFactor": "0", "quoteMaxLoan": "", "tier": str(number), "uly": each.family}


def position_tiers(query: Query) -> Reply:
    """Serve the tiers of at most five families, sorted by tier number as text, as on the exchange."""
    if not query.get("instType") or query.get("tdMode") not in ("isolated", "cross"):
        raise refuse("50014", "Parameter instType or tdMode can not be empty.", 400)
    families = [name for name in (query.get("instFamily") or query.get("uly")).split(",") if name]
    if not families:
        raise refuse("50014", "Parameter uly or instFamily can not be empty.", 400)
    if len(families) > FAMILIES or query.get("instType") != "SWAP":
        raise refuse("51000", "Parameter instFamily error")
    rows: list[dict[str, str]] = []
    for name in families:
        each = find(query, "okx", f"{name}-SWAP")
        if each is None:
            raise refuse("51000", "Parameter instFamily error")
        rows += [_tier(each, n, tier) for n, tier in enumerate(query.source.tiers(each), start=1)]
    rows.sort(key=lambda row: row["tier"])
    return envelope(rows)


STATIC_ROUTES: dict[str, Handler] = {
    "/api/v5/public/open-interest": open_interest,
    "/api/v5/public/mark-price": mark_price,
    "/api/v5/public/funding-rate": funding_rate,
    "/api/v5/public/instruments": instruments,
    "/api/v5/public/position-tiers": position_tiers,
    "/api/v5/public/time": lambda query: envelope([{"ts": str(query.now_ms)}]),
    "/api/v5/market/tickers": tickers,
    "/api/v5/market/index-tickers": index_tickers,
    "/api/v5/system/status": lambda query: envelope([]),
}
