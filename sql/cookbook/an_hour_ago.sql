-- What stood at the same prices an hour before, as it was published? (modelled)
WITH hours AS (
    SELECT hour_utc, price_low, sum(notional_usd::DECIMAL(38, 6))::DOUBLE AS usd
    FROM levels_of('BTC')
    WHERE price_low BETWEEN 100000 AND 101000
    GROUP BY ALL
)

SELECT hour_utc, price_low, usd, lag(usd) OVER (PARTITION BY price_low ORDER BY hour_utc) AS hour_before_usd
FROM hours
ORDER BY hour_utc DESC, price_low
LIMIT 20;
