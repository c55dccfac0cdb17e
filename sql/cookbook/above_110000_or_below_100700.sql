-- Which carries more, 110,000 above or 100,700 below, and by what factor? (modelled)
SELECT
    heavier, round(factor, 2) AS factor, round(short_usd / 1e6, 2) AS shorts_to_110000_million_usd,
    round(long_usd / 1e6, 2) AS longs_to_100700_million_usd
FROM heavier_side('BTC', 110000, 100700);
