-- How does the level 4 % below the mark compare with its neighbours and with its own last week?
-- Modelled. The published reading behind it: the level 100,000, from a mark of 103,753.
SET VARIABLE level = (SELECT 0.96 * mark_price FROM summary_at('BTC'));

SELECT
    hour_utc, side, round(price_low) AS price_low, round(notional_usd / 1e6, 2) AS million_usd,
    round(intensity, 2) AS times_its_neighbours, round(notional_z, 1) AS z_score_of_the_week
FROM level_history('BTC', getvariable('level'))
ORDER BY hour_utc DESC
LIMIT 6;
