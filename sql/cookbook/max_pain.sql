-- Which level has the most to liquidate on each side: max pain? (modelled)
SELECT 'long' AS side, arg_max(price_low, long_usd) AS price_low, max(long_usd) AS usd
FROM liquidation_map('BTC', span := 0.25)
WHERE exchange = 'all'
UNION ALL
SELECT 'short', arg_max(price_low, short_usd), max(short_usd)
FROM liquidation_map('BTC', span := 0.25)
WHERE exchange = 'all';
