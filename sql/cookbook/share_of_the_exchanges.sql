-- Which exchange carries how much of each side within 5 %? (modelled)
SELECT side, exchange, round(notional_usd / 1e6, 2) AS million_usd, round(100 * share, 1) AS percent_of_the_side
FROM exchange_share('BTC', span := 0.05);
