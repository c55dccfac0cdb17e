-- Are longs or shorts heavier near the mark, and what was the imbalance a day ago?
-- Modelled.
SELECT
    distance_bp / 100 AS percent_away, round(long_usd / 1e6, 2) AS longs_million_usd,
    round(short_usd / 1e6, 2) AS shorts_million_usd, round(imbalance, 3) AS imbalance,
    round(imbalance_day_before, 3) AS imbalance_day_before
FROM imbalance('BTC');
