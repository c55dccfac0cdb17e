-- Which exchange carries how much of each side within 5 %? (modelled)
SELECT side, exchange, notional_usd, round(share, 3) AS share
FROM exchange_share('BTC', span := 0.05);
