-- Which carries more, 110,000 above or 100,700 below, and by what factor? (modelled)
-- A published reading, of a mark around 103,753: put a price above and one below today's mark in, or it is refused.
SELECT
    heavier_side, round(ratio, 2) AS ratio, round(short_usd / 1e6, 2) AS shorts_to_110000_million_usd,
    round(long_usd / 1e6, 2) AS longs_to_100700_million_usd
FROM long_vs_short('BTC', 110000, 100700);
