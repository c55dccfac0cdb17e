-- How does what stands at 100,000 compare with its neighbours and with its own last week? (modelled)
SELECT
    hour_utc, side, round(notional_usd / 1e6, 2) AS million_usd, round(intensity, 2) AS times_its_neighbours,
    round(notional_z, 1) AS z_score_of_the_week
FROM level_history('BTC', 100000)
ORDER BY hour_utc DESC
LIMIT 6;
