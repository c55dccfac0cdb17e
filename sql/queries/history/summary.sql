FROM mart.market_summary WHERE coin = $coin AND hour_utc = $hour;
