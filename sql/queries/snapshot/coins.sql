SELECT DISTINCT coin FROM mart.market_balance ORDER BY coin;
