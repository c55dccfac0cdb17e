-- Which level has the most to liquidate on each side: max pain? (modelled)
WITH levels AS (
    FROM liquidation_map('BTC', span := 0.25) WHERE exchange = 'all'
)

SELECT 'long' AS side, round(arg_max(price_low, long_usd)) AS price, round(max(long_usd) / 1e6, 2) AS million_usd
FROM levels
UNION ALL
SELECT 'short', round(arg_max(price_low, short_usd)), round(max(short_usd) / 1e6, 2)
FROM levels;
