-- What does the liquidation map look like within 1 % of the mark, all exchanges added up?
-- Modelled.
SELECT
    round(price_low) AS price_low, round(price_high) AS price_high, round(long_usd / 1e6, 2) AS longs_million_usd,
    round(short_usd / 1e6, 2) AS shorts_million_usd,
    round(cumulative_long_usd / 1e6, 2) AS cumulative_longs_million_usd,
    round(cumulative_short_usd / 1e6, 2) AS cumulative_shorts_million_usd
FROM liquidation_map('BTC', span := 0.01)
WHERE exchange = 'all';
