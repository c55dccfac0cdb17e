"""Bybit v5 on the wire: tickers of all contracts, contracts, risk limits, the clock and the status."""

from urllib.parse import quote

from warehouse.simulator.exchanges.bybit import category, contract_of, envelope, page, refuse, single
from warehouse.simulator.exchanges.wire import DAY_MS, Handler, Query, Reply, plain, ten_to_minus, text
from warehouse.simulator.market.listing import Instrument
from warehouse.simulator.market.prices import Floats
from warehouse.simulator.market.source import FUNDING_MS, Interval
from warehouse.simulator.market.tiers import Tier

RISK_LIMIT_SYMBOLS = 15
UNUSED: dict[str, object] = {
    "prevPrice1h": "", "predictedDeliveryPrice": "", "basisRate": "", "basisRateYear": "", "basis": "",
    "deliveryFeeRate": "", "preOpenPrice": "", "preQty": "", "curPreListingPhase": "", "bid1Price": "",
    "bid1Size": "", "ask1Price": "", "ask1Size": "",
}  # fmt: skip


def _chosen(query: Query) -> list[Instrument]:
    if category(query) != "linear":
        return []
    if query.get("symbol"):
        return [contract_of(query)]
    return list(query.source.instruments("bybit"))


def _ticker(query: Query, contract: Instrument) -> dict[str, object]:
    quoted = query.source.quote(contract, query.now_ms)
    now = query.source.open_interest_now(contract, query.now_ms)
    step = Interval(DAY_MS, query.now_ms % DAY_MS)
    day = query.source.bars(contract, "trade", step, query.now_ms - DAY_MS, query.now_ms - 1, query.now_ms)
    one = float(now.units[0]) if len(now.ts_ms) else None
    places, tick = contract.unit_decimals, contract.price_decimals
    value = None if one is None or quoted.mark is None else one * quoted.mark
    before = float(day.open[0]) if len(day.open_ms) else None
    change = quoted.last / before - 1.0 if quoted.last and before else None
    return {
        "symbol": contract.symbol,
        "lastPrice": text(quoted.last, tick),
        "indexPrice": text(quoted.index, tick),
        "markPrice": text(quoted.mark, tick),
        "prevPrice24h": text(before, tick),
        "price24hPcnt": text(change, 6),
        "highPrice24h": text(_first(day.high), tick),
        "lowPrice24h": text(_first(day.low), tick),
        **_open_interest(one, value, places),
        "turnover24h": text(_first(day.turnover), 4),
        "volume24h": text(_first(day.volume), places),
        "fundingRate": plain(quoted.funding_rate),
        "nextFundingTime": str(Interval(FUNDING_MS).floor(query.now_ms) + FUNDING_MS),
        "fundingIntervalHour": "8",
        "fundingCap": "0.005",
        "deliveryTime": "0",
        **UNUSED,
    }


def _open_interest(one: float | None, value: float | None, places: int) -> dict[str, object]:
    """Return open interest and its value: the sum of both sides, and one side."""
    return {
        "openInterest": text(None if one is None else 2.0 * one, places),
        "openInterestValue": text(None if value is None else 2.0 * value, 2),
        "singleOpenInterest": "" if one is None else single(one, places),
        "singleOpenInterestValue": text(value, 2),
    }


def _first(values: Floats | None) -> float | None:
    return float(values[0]) if values is not None and len(values) else None


def tickers(query: Query) -> Reply:
    """Serve the tickers of all contracts in one answer."""
    rows = [_ticker(query, each) for each in _chosen(query)]
    return envelope(query, {"category": category(query), "list": rows})


def _page_start(query: Query, rows: list[Instrument]) -> int:
    """Return the index at which a page of contracts begins; a cursor names the first contract."""
    if not query.get("cursor"):
        return 0
    names = [f"next={each.symbol}" for each in rows]
    if query.get("cursor") not in names:
        raise refuse(query, "params error: cursor invalid")
    return names.index(query.get("cursor"))


def _contracts_page(query: Query, rows: list[Instrument], size: int) -> tuple[list[Instrument], str]:
    start = _page_start(query, rows)
    more = rows[start + size : start + size + 1]
    return rows[start : start + size], quote(f"next={more[0].symbol}", safe="") if more else ""


def _instrument(query: Query, each: Instrument) -> dict[str, object]:
    tiers = query.source.tiers(each)
    tick, step = ten_to_minus(each.price_decimals), ten_to_minus(each.unit_decimals)
    return {
        "symbol": each.symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": each.base_asset,
        "quoteCoin": "USDT",
        "launchTime": str(each.launch_ms),
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(each.price_decimals),
        "leverageFilter": {
            "minLeverage": "1",
            "maxLeverage": text(tiers[0].max_leverage, 2) if tiers else "",
            "leverageStep": "0.01",
        },
        "priceFilter": {"minPrice": tick, "maxPrice": "1999999.80", "tickSize": tick},
        "lotSizeFilter": {
            "maxOrderQty": "1190.000",
            "minOrderQty": step,
            "qtyStep": step,
            "postOnlyMaxOrderQty": "1190.000",
            "maxMktOrderQty": "500.000",
            "minNotionalValue": "5",
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "settleCoin": "USDT",
        "copyTrading": "both",
        "upperFundingRate": "0.00375",
        "lowerFundingRate": "-0.00375",
        "isPreListing": False,
        "preListingInfo": None,
        "symbolType": "",
    }


def instruments_info(query: Query) -> Reply:
    """Serve the trading contracts, by default 500 a page."""
    rows = _chosen(query)
    if query.get("status") not in ("", "Trading"):
        rows = []
    if query.get("baseCoin"):
        rows = [each for each in rows if each.base_asset == query.get("baseCoin")]
    served, cursor = _contracts_page(query, rows, page(query, 500, 1000))
    listed = [_instrument(query, each) for each in served]
    return envelope(query, {"category": category(query), "list": listed, "nextPageCursor": cursor})


def _risk(number: int, symbol: str, tier: Tier, lowest: bool) -> dict[str, object]:
    return {
        "id": number,
        "symbol": symbol,
        "riskLimitValue": plain(tier.cap),
        "maintenanceMargin": plain(tier.maintenance),
        "initialMargin": plain(min(1.0, 2.0 * tier.maintenance), 4),
        "isLowestRisk": int(lowest),
        "maxLeverage": text(tier.max_leverage, 2),
        "mmDeduction": "" if lowest else plain(tier.deduction),
    }


def risk_limit(query: Query) -> Reply:
    """Serve the tiers of one contract, or of fifteen contracts a page."""
    served, cursor = _contracts_page(query, _chosen(query), RISK_LIMIT_SYMBOLS)
    rows = []
    for contract in served:
        for index, tier in enumerate(query.source.tiers(contract)):
            rows.append(_risk(index + 1, contract.symbol, tier, index == 0))
    if query.get("symbol") and not rows:  # a recording without tiers of the contract
        raise refuse(query, "params error: symbol invalid")
    return envelope(query, {"category": category(query), "list": rows, "nextPageCursor": cursor})


def server_time(query: Query) -> Reply:
    """Serve the server's time."""
    return envelope(query, {"timeSecond": str(query.now_ms // 1000), "timeNano": str(query.now_ms * 1_000_000)})


STATIC_ROUTES: dict[str, Handler] = {
    "/v5/market/tickers": tickers,
    "/v5/market/instruments-info": instruments_info,
    "/v5/market/risk-limit": risk_limit,
    "/v5/market/time": server_time,
    "/v5/system/status": lambda query: envelope(query, {"list": []}),
}
