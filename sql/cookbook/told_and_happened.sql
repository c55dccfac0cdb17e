-- Where the whole truth was published, how much was liquidated of what the map said? (modelled beside realised)
SELECT exchange, side, count(*) AS hours, sum(stood_usd) AS told_usd, sum(realised_usd) AS happened_usd
FROM mart.sweeps
WHERE coin = 'BTC' AND realised_usd IS NOT NULL AND stood_usd IS NOT NULL
GROUP BY ALL
ORDER BY ALL;
