-- Which hours had the largest liquidations, and had the map of the hour before predicted them?
-- Modelled; realised where exchanges published it.
SELECT
    hour_utc, round(modelled_usd / 1e6, 2) AS modelled_million_usd,
    round(predicted_usd / 1e6, 2) AS predicted_million_usd,
    round(realised_usd / 1e6, 2) AS realised_million_usd, exchanges_reporting,
    round(100 * long_share) AS percent_longs
FROM largest_liquidation_hours('BTC', most := 10);
