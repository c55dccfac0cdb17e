-- Where liquidations were published, how much was liquidated of what the map said? (modelled beside realised)
SELECT
    exchange, side, completeness, count(*) AS hours,
    round((sum(predicted_usd::DECIMAL(38, 6)) / 1e6)::DOUBLE, 2) AS told_million_usd,
    round((sum(realised_usd::DECIMAL(38, 6)) / 1e6)::DOUBLE, 2) AS happened_million_usd
FROM mart.sweeps
WHERE coin = 'BTC' AND realised_usd IS NOT NULL AND predicted_usd IS NOT NULL
GROUP BY ALL
ORDER BY ALL;
