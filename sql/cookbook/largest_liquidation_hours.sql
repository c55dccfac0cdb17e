-- Which were the worst hours, and had the map said so? (modelled; realised where exchanges published it)
SELECT
    hour_utc, round(modelled_usd / 1e6, 2) AS modelled_million_usd, round(predicted_usd / 1e6, 2) AS map_before_million_usd,
    round(realised_usd / 1e6, 2) AS published_million_usd, exchanges_reporting AS exchanges_that_published,
    round(100 * long_share) AS percent_longs
FROM largest_liquidation_hours('BTC', most := 10);
