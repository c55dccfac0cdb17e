-- Which carries more, 110,000 above or 100,700 below, and by what factor? (modelled)
SELECT heavier, round(factor, 2) AS factor, short_usd AS above_110000_usd, long_usd AS below_100700_usd
FROM heavier_side('BTC', above := 110000, below := 100700);
