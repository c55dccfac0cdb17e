-- How sure is the sum within 5 %: between what does the truth lie four times in five? (modelled)
SELECT
    side, round(cumulative_p10_usd / 1e6, 2) AS from_million_usd, round(cumulative_p50_usd / 1e6, 2) AS million_usd,
    round(cumulative_p90_usd / 1e6, 2) AS to_million_usd
FROM mart.liquidation_curve
WHERE coin = 'BTC' AND exchange = 'all' AND distance_bp = 500
    AND hour_utc = (SELECT hour_utc FROM map_hour('BTC'))
ORDER BY side;
