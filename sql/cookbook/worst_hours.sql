-- Which were the worst hours, and had the map said so? (modelled; realised where exchanges published it)
SELECT hour_utc, swept_usd, stood_usd, realised_usd, of_which_realised, long_share
FROM worst_hours('BTC', 10);
