-- Which level has the most to liquidate on each side: max pain? (modelled)
SELECT 'long' AS side, long_max_pain_price AS price, long_max_pain_usd AS usd
FROM summary('BTC')
UNION ALL
SELECT 'short', short_max_pain_price, short_max_pain_usd
FROM summary('BTC');
