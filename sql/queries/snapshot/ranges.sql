SELECT *
FROM mart.liquidation_curve
WHERE coin = $coin AND date = $date AND hour_utc = $hour AND exchange = 'all';
