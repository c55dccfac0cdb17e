-- At which leverage do those stand who are liquidated on the way to 102,699? (modelled)
SELECT
    leverage_class, round(sum(cumulative_usd) / 1e6, 2) AS million_usd,
    round(sum(cumulative_opened_1d_usd) / 1e6, 2) AS opened_in_the_last_day_million_usd
FROM at_risk('BTC', 102699)
WHERE leverage_class <> 'all'
GROUP BY leverage_class
HAVING sum(cumulative_usd) > 0
ORDER BY sum(cumulative_usd) DESC;
