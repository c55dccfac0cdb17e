-- How has the intensity at 100,000 moved, and between what has it ranged? (modelled)
SELECT
    hour_utc, notional_usd, intensity, notional_z, min(notional_usd) OVER () AS lowest_usd,
    max(notional_usd) OVER () AS highest_usd, min(intensity) OVER () AS lowest_intensity,
    max(intensity) OVER () AS highest_intensity
FROM level_history('BTC', 100000)
ORDER BY hour_utc DESC;
