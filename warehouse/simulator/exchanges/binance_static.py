"""Binance USD-M on the wire: contracts, tiers, the clock, and endpoints that need a key or are retired."""

from warehouse.simulator.exchanges.wire import Handler, Query, RefusedError, Reply, plain, ten_to_minus
from warehouse.simulator.market.listing import Instrument
from warehouse.simulator.market.tiers import Tier

PERPETUAL_END_MS = 4_133_404_800_000
LIMITS = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
    {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
]


def _symbol(each: Instrument) -> dict[str, object]:
    tick, step = ten_to_minus(each.price_decimals), ten_to_minus(each.unit_decimals)
    return {
        "symbol": each.symbol,
        "pair": each.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": PERPETUAL_END_MS,
        "onboardDate": each.launch_ms,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": each.base_asset,
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": each.price_decimals,
        "quantityPrecision": each.unit_decimals,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10000,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "10000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": step, "maxQty": "1000000000", "stepSize": step},
            {"filterType": "MIN_NOTIONAL", "notional": "5"},
        ],
        "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }


def exchange_info(query: Query) -> Reply:
    """Serve all contracts."""
    return Reply(
        {
            "timezone": "UTC",
            "serverTime": query.now_ms,
            "futuresType": "U_MARGINED",
            "rateLimits": LIMITS,
            "exchangeFilters": [],
            "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
            "symbols": [_symbol(each) for each in query.source.instruments("binance")],
        }
    )


def _bracket(number: int, tier: Tier, next_leverage: float) -> dict[str, object]:
    return {
        "bracketSeq": number,
        "bracketNotionalFloor": _number(tier.floor),
        "bracketNotionalCap": _number(tier.cap),
        "bracketMaintenanceMarginRate": tier.maintenance,
        "cumFastMaintenanceAmount": _number(tier.deduction),
        "minOpenPosLeverage": int(next_leverage) + 1,
        "maxOpenPosLeverage": int(tier.max_leverage),
    }


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else float(plain(value))


def brackets(query: Query) -> Reply:
    """Serve the tiers of all contracts, as the website's undocumented endpoint does."""
    listed = []
    for contract in query.source.instruments("binance"):
        tiers = query.source.tiers(contract)
        below = [*(tier.max_leverage for tier in tiers[1:]), 0.0]
        rows = [_bracket(n, tier, low) for n, (tier, low) in enumerate(zip(tiers, below, strict=True), start=1)]
        if rows:
            listed.append({"symbol": contract.symbol, "updateTime": contract.launch_ms, "riskBrackets": rows})
    body = {"code": "000000", "message": None, "messageDetail": None, "data": {"brackets": listed}, "success": True}
    return Reply(body)


def funding_info(query: Query) -> Reply:
    """Serve the contracts with adjusted funding: none, since all settle every eight hours."""
    return Reply([])


def refuse_unsigned(query: Query) -> Reply:
    """Refuse a signed endpoint."""
    raise RefusedError(Reply({"code": -2014, "msg": "API-key format invalid."}, 401))


def refuse_retired(query: Query) -> Reply:
    """Refuse a retired endpoint."""
    raise RefusedError(Reply({"code": -5000, "msg": "Path /fapi/v1/allForceOrders, Method GET is invalid"}, 404))


STATIC_ROUTES: dict[str, Handler] = {
    "/fapi/v1/ping": lambda query: Reply({}),
    "/fapi/v1/time": lambda query: Reply({"serverTime": query.now_ms}),
    "/fapi/v1/exchangeInfo": exchange_info,
    "/fapi/v1/fundingInfo": funding_info,
    "/fapi/v1/leverageBracket": refuse_unsigned,
    "/fapi/v1/forceOrders": refuse_unsigned,
    "/fapi/v1/allForceOrders": refuse_retired,
    "/bapi/futures/v1/friendly/future/common/brackets": brackets,
    "/sapi/v1/system/status": lambda query: Reply({"status": 0, "msg": "normal"}),
}
