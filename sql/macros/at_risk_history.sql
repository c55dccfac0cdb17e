-- at_risk_history(coin, price, exchange := NULL)
--
-- The notional that would have been liquidated between the mark and a price, hour by hour. The field calls this sum
-- cumulative liquidation intensity. Modelled.
--
-- coin       a coin in the warehouse; any other is an error
-- price      the level, USD; a price that no map ever reached is an error
-- exchange   one exchange; default or `all`: the sum over all exchanges
--
-- hour_utc             end of the hour, UTC; hours whose map does not reach the price (25 % from the mark) have no row
-- side                 side of the positions: long if the price is below the mark, short above
-- cumulative_usd       modelled notional from the mark to the price, including the price's bucket, USD
-- distance_bp          distance of the price from the mark, 0.01 %; negative below it
-- mark_price           average of the exchanges' marks, USD
-- is_stale             true if an exchange is carried forward from an earlier hour
-- parameters_version   version of the parameters, a key of model.model_parameters
-- source               simulated, recorded, live or imported
--
-- Example: FROM at_risk_history('BTC', 95000) ORDER BY hour_utc DESC LIMIT 24;
CREATE MACRO at_risk_history(coin, price, exchange := NULL) AS TABLE
WITH sums AS (
    SELECT l.hour_utc, l.side, sum(l.notional_usd::DECIMAL(18, 6)) AS usd
    FROM levels_of(coin) AS l
    WHERE CASE l.side
            WHEN 'long' THEN ops.price(price) < l.mark_price AND l.price_bucket >= ops.price_bucket(price)
            ELSE ops.price(price) >= l.mark_price AND l.price_bucket <= ops.price_bucket(price)
        END
        AND (ops.exchange(exchange) IS NULL OR l.exchange = ops.exchange(exchange))
    GROUP BY l.hour_utc, l.side
),

-- An hour without notional on the way has a row with 0.
hours AS (
    SELECT
        b.hour_utc, CASE WHEN ops.price(price) < b.mark_price THEN 'long' ELSE 'short' END AS side, b.mark_price,
        b.is_stale, b.parameters_version, b.source
    FROM mart.market_balance AS b
    WHERE b.coin = ops.known(coin) AND b.distance_bp = 100 AND abs(ops.price(price) / b.mark_price - 1) <= 0.25
)

SELECT
    coalesce(hour_utc, error(format(
        'no map of {}{} ever reached {}', coin, coalesce(' on ' || ops.exchange(exchange), ''), price
    ))::TIMESTAMP) AS hour_utc,
    side, coalesce(usd, 0)::DOUBLE AS cumulative_usd, (ops.price(price) / mark_price - 1) * 1e4 AS distance_bp,
    mark_price, is_stale, parameters_version, source
FROM (SELECT count(*) AS n FROM sums)
LEFT JOIN hours ON n > 0
LEFT JOIN sums USING (hour_utc, side)
ORDER BY hour_utc;
