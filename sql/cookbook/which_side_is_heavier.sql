-- Which side is heavier near the mark, and was it so yesterday? (modelled)
SELECT distance_bp / 100 AS percent, long_usd, short_usd, imbalance, imbalance_day_before
FROM balance('BTC');
