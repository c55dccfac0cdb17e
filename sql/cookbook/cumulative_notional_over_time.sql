-- How has the cumulative notional between the mark and a price 4 % below it changed, and in what range?
-- Modelled; the price is fixed at today's, the mark moves. The published reading behind it: the cumulative long
-- liquidation intensity down to 100,000, from a mark of 103,753.
SET VARIABLE level = (SELECT 0.96 * mark_price FROM summary_at('BTC'));

SELECT
    hour_utc, side, round(cumulative_usd / 1e6, 2) AS cumulative_million_usd,
    round(min(cumulative_usd) OVER () / 1e6, 2) AS lowest_million_usd,
    round(max(cumulative_usd) OVER () / 1e6, 2) AS highest_million_usd, round(mark_price) AS mark
FROM at_risk_history('BTC', getvariable('level'))
ORDER BY hour_utc DESC
LIMIT 6;
