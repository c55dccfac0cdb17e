-- How has the imbalance within 5 % of the mark changed over the last day?
-- Modelled.
SELECT
    hour_utc, round(long_usd / 1e6, 2) AS longs_million_usd, round(short_usd / 1e6, 2) AS shorts_million_usd,
    round(imbalance, 3) AS imbalance, round(mark_price) AS mark
FROM mart.market_balance
WHERE coin = 'BTC' AND distance_bp = 500
ORDER BY hour_utc DESC
LIMIT 24;
