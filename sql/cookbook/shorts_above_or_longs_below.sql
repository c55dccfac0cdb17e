-- Is more notional liquidated by a rise of 6 % or by a fall of 3 %, and what is the ratio?
-- Modelled. The published reading behind it: shorts up to 110,000 against longs down to 100,700, from 103,753.
SET VARIABLE above = (SELECT 1.06 * mark_price FROM summary_at('BTC'));
SET VARIABLE below = (SELECT 0.97 * mark_price FROM summary_at('BTC'));

SELECT
    heavier_side, round(ratio, 2) AS ratio, round(above) AS price_above,
    round(short_usd / 1e6, 2) AS shorts_million_usd, round(below) AS price_below,
    round(long_usd / 1e6, 2) AS longs_million_usd
FROM long_vs_short('BTC', getvariable('above'), getvariable('below'));
