-- How uncertain is the notional within 5 % of the mark: what are its 10th, 50th and 90th percentile?
-- Modelled.
SELECT
    side, round(cumulative_p10_usd / 1e6, 2) AS p10_million_usd, round(cumulative_p50_usd / 1e6, 2) AS p50_million_usd,
    round(cumulative_p90_usd / 1e6, 2) AS p90_million_usd
FROM mart.liquidation_curve
WHERE coin = 'BTC' AND exchange = 'all' AND distance_bp = 500
    AND hour_utc = (SELECT hour_utc FROM map_hour('BTC'))
ORDER BY side;
