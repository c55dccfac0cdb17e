-- How has the balance within 5 % moved over the last day? (modelled)
SELECT hour_utc, imbalance, long_usd, short_usd, mark_price
FROM mart.market_balance
WHERE coin = 'BTC' AND distance_bp = 500
ORDER BY hour_utc DESC
LIMIT 24;
