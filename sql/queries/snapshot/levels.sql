SELECT
    exchange, side, price_bucket, any_value(price_low) AS price_low, any_value(price_high) AS price_high,
    sum(notional_usd) AS notional_usd, sum(notional_1d_usd) AS notional_1d_usd,
    sum(notional_7d_usd) AS notional_7d_usd, sum(notional_30d_usd) AS notional_30d_usd
FROM mart.liquidation_levels
WHERE coin = $coin AND date = $date AND hour_utc = $hour
GROUP BY exchange, side, price_bucket
ORDER BY exchange, side, price_bucket;
