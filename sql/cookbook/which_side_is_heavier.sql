-- Which side is heavier near the mark, and was it so yesterday? (modelled)
SELECT
    distance_bp / 100 AS percent, round(long_usd / 1e6, 2) AS longs_million_usd,
    round(short_usd / 1e6, 2) AS shorts_million_usd, round(imbalance, 3) AS imbalance,
    round(imbalance_day_before, 3) AS imbalance_day_before
FROM imbalance('BTC');
