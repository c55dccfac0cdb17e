-- How has the cumulative intensity down to 100,000 moved, and between what has it ranged? (modelled)
SELECT
    hour_utc, side, round(cumulative_usd / 1e6, 2) AS million_usd,
    round(min(cumulative_usd) OVER () / 1e6, 2) AS lowest_million_usd,
    round(max(cumulative_usd) OVER () / 1e6, 2) AS highest_million_usd, round(mark_price) AS mark
FROM at_risk_history('BTC', 100000)
ORDER BY hour_utc DESC
LIMIT 6;
