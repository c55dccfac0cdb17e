-- What share of each side's notional within 5 % of the mark is on each exchange?
-- Modelled.
SELECT side, exchange, round(notional_usd / 1e6, 2) AS million_usd, round(100 * share, 1) AS percent_of_the_side
FROM exchange_share('BTC', span := 0.05);
