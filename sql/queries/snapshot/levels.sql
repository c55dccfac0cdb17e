SELECT
    l.exchange, l.side, price_bucket, any_value(price_low) AS price_low, any_value(price_high) AS price_high,
    sum(notional_usd) AS notional_usd, sum(notional_1d_usd) AS notional_1d_usd,
    sum(notional_7d_usd) AS notional_7d_usd, sum(notional_30d_usd) AS notional_30d_usd,
    sum(notional_usd * p.value) AS fit_usd, sum(notional_usd * gap_log_sd) AS gap_usd
FROM mart.liquidation_levels AS l
LEFT JOIN model.model_parameters AS p
    ON p.parameter = 'log_sd' AND p.version = parameters_version AND p.exchange = l.exchange AND p.side = l.side
    AND p.leverage_x = rtrim(leverage_class, 'x+')::DOUBLE
WHERE l.coin = $coin AND date = $date AND hour_utc = $hour
GROUP BY l.exchange, l.side, price_bucket
ORDER BY l.exchange, l.side, price_bucket;
