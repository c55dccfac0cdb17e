"""Bybit v5 on the wire: tickers of all contracts, contracts, risk limits, the clock and the status."""

from urllib.parse import quote

from warehouse.simulator.exchanges.bybit import category, contract_of, enveloped, page, refuse, single
from warehouse.simulator.exchanges.wire import DAY_MS, Ask, Handler, Reply, plain, ten_to_minus, text
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


def _chosen(ask: Ask) -> list[Instrument]:
    if category(ask) != "linear":
        return []
    if ask.get("symbol"):
        return [contract_of(ask)]
    return list(ask.source.instruments("bybit"))


def _ticker(ask: Ask, contract: Instrument) -> dict[str, object]:
    quoted = ask.source.quote(contract, ask.now_ms)
    now = ask.source.open_interest_now(contract, ask.now_ms)
    step = Interval(DAY_MS, ask.now_ms % DAY_MS)
    day = ask.source.bars(contract, "trade", step, ask.now_ms - DAY_MS, ask.now_ms - 1, ask.now_ms)
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
        **_held(one, value, places),
        "turnover24h": text(_first(day.turnover), 4),
        "volume24h": text(_first(day.volume), places),
        "fundingRate": plain(quoted.funding_rate),
        "nextFundingTime": str(Interval(FUNDING_MS).floor(ask.now_ms) + FUNDING_MS),
        "fundingIntervalHour": "8",
        "fundingCap": "0.005",
        "deliveryTime": "0",
        **UNUSED,
    }


def _held(one: float | None, value: float | None, places: int) -> dict[str, object]:
    """Open interest and its value: both sides added up, and one side."""
    return {
        "openInterest": text(None if one is None else 2.0 * one, places),
        "openInterestValue": text(None if value is None else 2.0 * value, 2),
        "singleOpenInterest": "" if one is None else single(one, places),
        "singleOpenInterestValue": text(value, 2),
    }


def _first(values: Floats | None) -> float | None:
    return float(values[0]) if values is not None and len(values) else None


def tickers(ask: Ask) -> Reply:
    """All contracts in one call."""
    rows = [_ticker(ask, each) for each in _chosen(ask)]
    return enveloped(ask, {"category": category(ask), "list": rows})


def _page_start(ask: Ask, rows: list[Instrument]) -> int:
    """Where a page of contracts begins; cursors name the next contract."""
    if not ask.get("cursor"):
        return 0
    names = [f"next={each.symbol}" for each in rows]
    if ask.get("cursor") not in names:
        raise refuse(ask, "params error: cursor invalid")
    return names.index(ask.get("cursor"))


def _contracts_page(ask: Ask, rows: list[Instrument], size: int) -> tuple[list[Instrument], str]:
    start = _page_start(ask, rows)
    more = rows[start + size : start + size + 1]
    return rows[start : start + size], quote(f"next={more[0].symbol}", safe="") if more else ""


def _instrument(ask: Ask, each: Instrument) -> dict[str, object]:
    tiers = ask.source.tiers(each)
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


def instruments_info(ask: Ask) -> Reply:
    """Contracts, by default those that trade, 500 a page."""
    rows = _chosen(ask)
    if ask.get("status") not in ("", "Trading"):
        rows = []
    if ask.get("baseCoin"):
        rows = [each for each in rows if each.base_asset == ask.get("baseCoin")]
    served, cursor = _contracts_page(ask, rows, page(ask, 500, 1000))
    listed = [_instrument(ask, each) for each in served]
    return enveloped(ask, {"category": category(ask), "list": listed, "nextPageCursor": cursor})


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


def risk_limit(ask: Ask) -> Reply:
    """Tiers: of one contract, or of fifteen contracts a page."""
    served, cursor = _contracts_page(ask, _chosen(ask), RISK_LIMIT_SYMBOLS)
    rows = []
    for contract in served:
        for index, tier in enumerate(ask.source.tiers(contract)):
            rows.append(_risk(index + 1, contract.symbol, tier, index == 0))
    if ask.get("symbol") and not rows:  # a recording without tiers of the contract
        raise refuse(ask, "params error: symbol invalid")
    return enveloped(ask, {"category": category(ask), "list": rows, "nextPageCursor": cursor})


def server_time(ask: Ask) -> Reply:
    """The server's clock."""
    return enveloped(ask, {"timeSecond": str(ask.now_ms // 1000), "timeNano": str(ask.now_ms * 1_000_000)})


STATIC_ROUTES: dict[str, Handler] = {
    "/v5/market/tickers": tickers,
    "/v5/market/instruments-info": instruments_info,
    "/v5/market/risk-limit": risk_limit,
    "/v5/market/time": server_time,
    "/v5/system/status": lambda ask: enveloped(ask, {"list": []}),
}
