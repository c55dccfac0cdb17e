-- At which leverage do those stand who are liquidated on the way to 102,699? (modelled)
SELECT leverage_class, sum(cumulative_usd) AS usd, sum(cumulative_1d_usd) AS opened_in_the_last_day_usd
FROM at_risk('BTC', 102699)
WHERE leverage_class <> 'all'
GROUP BY leverage_class
ORDER BY usd DESC;
