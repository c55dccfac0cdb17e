-- Where exchanges published their liquidations, how much had the map of the hour before predicted?
-- Modelled beside realised.
SELECT
    exchange, side, completeness, count(*) AS hours,
    round((sum(predicted_usd::DECIMAL(38, 6)) / 1e6)::DOUBLE, 2) AS predicted_million_usd,
    round((sum(realised_usd::DECIMAL(38, 6)) / 1e6)::DOUBLE, 2) AS realised_million_usd
FROM mart.sweeps
WHERE coin = 'BTC' AND realised_usd IS NOT NULL AND predicted_usd IS NOT NULL
GROUP BY ALL
ORDER BY ALL;
