-- Which price level has the most notional to liquidate on each side (max pain)?
-- Modelled.
SELECT 'long' AS side, round(long_max_pain_price) AS price, round(long_max_pain_usd / 1e6, 2) AS million_usd
FROM summary_at('BTC')
UNION ALL
SELECT 'short', round(short_max_pain_price), round(short_max_pain_usd / 1e6, 2)
FROM summary_at('BTC');
