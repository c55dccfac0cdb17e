-- Where is least: which 1 % wide range within 10 % of the mark would liquidate the fewest dollars? (modelled)
WITH ranges AS (
    SELECT
        price_low, sum(long_usd + short_usd) OVER (ORDER BY price_bucket ROWS BETWEEN CURRENT ROW AND 9 FOLLOWING) AS usd,
        count(*) OVER (ORDER BY price_bucket ROWS BETWEEN CURRENT ROW AND 9 FOLLOWING) AS buckets
    FROM liquidation_map('BTC', span := 0.1)
    WHERE exchange = 'all'
)

SELECT price_low AS from_price, price_low * 1.01 AS to_price, usd
FROM ranges
WHERE buckets = 10
ORDER BY usd, price_low
LIMIT 5;
