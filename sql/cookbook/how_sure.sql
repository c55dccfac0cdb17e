-- How sure is the sum within 5 %: between what does the truth lie four times in five? (modelled)
SELECT side, cumulative_p10_usd, cumulative_p50_usd, cumulative_p90_usd
FROM mart.liquidation_curve
WHERE coin = 'BTC' AND exchange = 'all' AND distance_bp = 500
    AND hour_utc = (SELECT hour_utc FROM map_hour('BTC'))
ORDER BY side;
