-- How much of what stands within 2 % was opened in the last day? (modelled)
SELECT side, sum(notional_1d_usd) / sum(notional_usd) AS share_of_the_last_day, sum(notional_usd) AS usd
FROM leverage_profile('BTC', span := 0.02)
GROUP BY side
ORDER BY side;
