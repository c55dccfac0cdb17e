-- at_risk_history(coin, price, exchange := NULL)
--
-- What would have been liquidated on the way to a price, hour by hour: from the mark of each hour to that price. The
-- field calls this sum cumulative liquidation intensity. Modelled.
--
-- coin       a coin of the warehouse; another is refused
-- price      the level, USD; one that no map ever reached is refused
-- exchange   one exchange; default: every one, added up
--
-- hour_utc             the hour, UTC; there is no row where the map did not reach the price (25 % from the mark)
-- side                 of the positions: long where the price is below the mark, short above
-- cumulative_usd       modelled notional from the mark to the price, the price's bucket included, USD
-- distance_bp          the price from the mark, 0.01 %; negative below it
-- mark_price           average of the exchanges' marks, USD
-- is_stale             an exchange is carried from an earlier hour
-- parameters_version   the assumptions, in model.model_parameters
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
        AND (exchange IS NULL OR l.exchange = ops.exchange(exchange))
    GROUP BY l.hour_utc, l.side
),

-- An hour with nothing on the way is there with 0.
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
