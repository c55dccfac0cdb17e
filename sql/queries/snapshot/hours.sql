SELECT min(hour_utc) AS first, max(hour_utc) AS last FROM mart.market_balance WHERE coin = $coin;
