"""OKX v5 on the wire: what is of now, for one contract or all: open interest, prices, contracts, tiers."""

from warehouse.simulator.exchanges.okx import contract_of, enveloped, refuse
from warehouse.simulator.exchanges.wire import DAY_MS, Ask, Handler, Reply, find, plain, ten_to_minus, text
from warehouse.simulator.market.listing import Instrument
from warehouse.simulator.market.source import FUNDING_MS, BarKind, Interval
from warehouse.simulator.market.tiers import Tier

FAMILIES = 5
UNUSED = ("alias", "auctionEndTime", "baseCcy", "category", "contTdSwTime", "expTime", "optType", "quoteCcy", "stk")
EMPTY = dict.fromkeys(UNUSED, "")


def swaps(ask: Ask, mandatory: bool = True) -> list[Instrument]:
    """The swaps that instType, instFamily, uly and instId choose."""
    if mandatory and not ask.get("instType"):
        raise refuse("50014", "Parameter instType can not be empty.", 400)
    if ask.get("instType") not in ("", "SWAP", "FUTURES", "OPTION", "SPOT", "MARGIN"):
        raise refuse("51000", "Parameter instType error")
    if ask.get("instType") not in ("", "SWAP"):
        return []
    if ask.get("instId"):
        return [contract_of(ask)]
    family = ask.get("instFamily") or ask.get("uly")
    rows = [each for each in ask.source.instruments("okx") if family in ("", each.family)]
    if family and not rows:
        raise refuse("51000", "Parameter instFamily error")
    return rows


def open_interest(ask: Ask) -> Reply:
    """Open interest now, in contracts, coins and dollars; ``ts`` is the time of the answer."""
    rows = []
    for each in swaps(ask):
        now = ask.source.open_interest_now(each, ask.now_ms)
        for units, price in zip(now.units.tolist(), now.price.tolist(), strict=True):
            row = {"instId": each.symbol, "instType": "SWAP", "oi": plain(units / each.contract_units, 4)}
            row |= {"oiCcy": plain(units, 8), "oiUsd": plain(units * price, 2)}
            rows.append(row | {"ts": str(ask.now_ms if ask.source.dense else int(now.ts_ms[0]))})
    return enveloped(rows)


def mark_price(ask: Ask) -> Reply:
    """Mark prices."""
    quotes = [(each, ask.source.quote(each, ask.now_ms)) for each in swaps(ask)]
    return enveloped(
        [
            {"instId": each.symbol, "instType": "SWAP", "markPx": text(q.mark, each.price_decimals), "ts": str(q.ts_ms)}
            for each, q in quotes
            if q.mark is not None
        ]
    )


def _day(ask: Ask, each: Instrument, kind: BarKind) -> dict[str, str]:
    """High, low and open of the last 24 hours, and volume if traded."""
    step = Interval(DAY_MS, ask.now_ms % DAY_MS)
    bars = ask.source.bars(each, kind, step, ask.now_ms - DAY_MS, ask.now_ms - 1, ask.now_ms)
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


def index_tickers(ask: Ask) -> Reply:
    """Index prices, named by pair."""
    if not ask.get("quoteCcy") and not ask.get("instId"):
        raise refuse("50014", "Parameter quoteCcy can not be empty.", 400)
    rows = []
    for each in ask.source.instruments("okx"):
        quote = ask.source.quote(each, ask.now_ms)
        if ask.get("quoteCcy") not in ("", "USDT") or ask.get("instId") not in ("", each.family) or quote.index is None:
            continue
        row = {"instId": each.family, "idxPx": text(quote.index, each.price_decimals), "ts": str(quote.ts_ms)}
        rows.append(row | _day(ask, each, "index") | {"sodUtc0": "", "sodUtc8": ""})
    if ask.get("instId") and not rows:
        raise refuse("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
    return enveloped(rows)


def tickers(ask: Ask) -> Reply:
    """Last prices."""
    rows = []
    for each in swaps(ask):
        quote = ask.source.quote(each, ask.now_ms)
        if quote.last is None:
            continue
        last = text(quote.last, each.price_decimals)
        row = {"instType": "SWAP", "instId": each.symbol, "last": last, "lastSz": "1"}
        row |= {"askPx": last, "askSz": "1", "bidPx": last, "bidSz": "1"}
        rows.append(row | _day(ask, each, "trade") | {"sodUtc0": "", "sodUtc8": "", "ts": str(quote.ts_ms)})
    return enveloped(rows)


def funding_rate(ask: Ask) -> Reply:
    """The funding rate that the next settlement is heading for."""
    each = contract_of(ask)
    quote = ask.source.quote(each, ask.now_ms)
    if quote.funding_rate is None:
        return enveloped([])
    settles = Interval(FUNDING_MS).floor(ask.now_ms) + FUNDING_MS
    row = {"formulaType": "noRate", "fundingRate": plain(quote.funding_rate, 10), "fundingTime": str(settles)}
    row |= {"instId": each.symbol, "instType": "SWAP", "method": "current_period", "maxFundingRate": "0.00375"}
    row |= {"minFundingRate": "-0.00375", "nextFundingRate": "", "nextFundingTime": str(settles + FUNDING_MS)}
    return enveloped([row | {"premium": "", "settFundingRate": "", "settState": "settled", "ts": str(ask.now_ms)}])


def instruments(ask: Ask) -> Reply:
    """Contracts that are live."""
    rows = []
    for each in swaps(ask):
        tiers = ask.source.tiers(each)
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
    return enveloped(rows)


def _tier(each: Instrument, number: int, tier: Tier) -> dict[str, str]:
    """Bounds in contracts; a tier begins a hundredth of a contract beyond the one below."""
    above = round(tier.floor / each.contract_units, 2)
    row = {"baseMaxLoan": "", "imr": plain(1.0 / tier.max_leverage, 4), "instFamily": each.family, "instId": ""}
    row |= {"maxLever": plain(tier.max_leverage, 2), "maxSz": plain(tier.cap / each.contract_units, 2)}
    row |= {"minSz": plain(above + 0.01, 2) if number > 1 else "0", "mmr": plain(tier.maintenance)}
    return row | {"optMgnFactor": "0", "quoteMaxLoan": "", "tier": str(number), "uly": each.family}


def position_tiers(ask: Ask) -> Reply:
    """Tiers of at most five families, in no useful order (that of the tiers' names as text)."""
    if not ask.get("instType") or ask.get("tdMode") not in ("isolated", "cross"):
        raise refuse("50014", "Parameter instType or tdMode can not be empty.", 400)
    wanted = [name for name in (ask.get("instFamily") or ask.get("uly")).split(",") if name]
    if not wanted:
        raise refuse("50014", "Parameter uly or instFamily can not be empty.", 400)
    if len(wanted) > FAMILIES or ask.get("instType") != "SWAP":
        raise refuse("51000", "Parameter instFamily error")
    rows: list[dict[str, str]] = []
    for name in wanted:
        each = find(ask, "okx", f"{name}-SWAP")
        if each is None:
            raise refuse("51000", "Parameter instFamily error")
        rows += [_tier(each, n, tier) for n, tier in enumerate(ask.source.tiers(each), start=1)]
    rows.sort(key=lambda row: row["tier"])
    return enveloped(rows)


STATIC_ROUTES: dict[str, Handler] = {
    "/api/v5/public/open-interest": open_interest,
    "/api/v5/public/mark-price": mark_price,
    "/api/v5/public/funding-rate": funding_rate,
    "/api/v5/public/instruments": instruments,
    "/api/v5/public/position-tiers": position_tiers,
    "/api/v5/public/time": lambda ask: enveloped([{"ts": str(ask.now_ms)}]),
    "/api/v5/market/tickers": tickers,
    "/api/v5/market/index-tickers": index_tickers,
    "/api/v5/system/status": lambda ask: enveloped([]),
}
