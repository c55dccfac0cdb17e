SELECT
    hour_utc, exchange, side, sum(predicted_usd) AS predicted_usd, sum(realised_usd) AS realised_usd,
    min(completeness) AS completeness, any_value(source) AS source
FROM mart.sweeps
WHERE coin = $coin AND date >= $since::DATE AND hour_utc > $since AND hour_utc <= $hour
GROUP BY hour_utc, exchange, side
ORDER BY hour_utc, exchange, side;
