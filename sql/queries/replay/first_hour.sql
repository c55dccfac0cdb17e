SELECT min(hour_utc) FROM mart.market_balance WHERE coin = $coin;
