-- How much of the notional within 2 % of the mark was opened in the last day?
-- Modelled.
SELECT
    side, round(sum(notional_usd) / 1e6, 2) AS million_usd,
    round(100 * sum(notional_1d_usd) / nullif(sum(notional_usd), 0), 1) AS percent_opened_in_the_last_day
FROM leverage_profile('BTC', span := 0.02)
GROUP BY side
ORDER BY side;
