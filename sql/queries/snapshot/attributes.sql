SELECT source, parameters_version
FROM mart.market_balance
WHERE coin = $coin AND date = $date AND hour_utc = $hour
LIMIT 1;
