-- Which were the worst hours, and had the map said so? (modelled; realised where exchanges published it)
SELECT
    hour_utc, round(swept_usd / 1e6, 2) AS modelled_million_usd, round(stood_usd / 1e6, 2) AS map_before_million_usd,
    round(realised_usd / 1e6, 2) AS published_million_usd, of_which_realised AS exchanges_that_published,
    round(100 * long_share) AS percent_longs
FROM worst_hours('BTC', most := 10);
