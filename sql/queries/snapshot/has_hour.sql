SELECT count(*) AS n
FROM mart.market_balance
WHERE coin = $coin AND date = $date AND hour_utc = $hour;
