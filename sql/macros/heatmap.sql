-- heatmap(coin, as_of := NULL, hours := 168, step := 1, buckets := 2)
--
-- The liquidation map through time, price by time: what stood where, in every hour of a span or in each so many.
-- Modelled.
--
-- coin      a coin of the warehouse; another is refused
-- as_of     a moment, in UTC or with its zone; default: the last published hour. An hour without a map is refused
-- hours     how many hours back, the last included
-- step      one map each so many hours, counted back from the last: 1 is every hour
-- buckets   how many 10 bp buckets of the grid make a row of the picture: 2 is 0.2 % of price
--
-- hour_utc                the hour of the map, UTC; an hour without a map has no rows
-- price_bucket            number of the row: price_bucket over buckets, rounded down
-- price_low, price_high   edges of the row, USD
-- notional_usd            modelled notional of longs and shorts there, exchanges added up, USD
--
-- Example: SELECT count(*) AS cells, max(notional_usd) AS largest FROM heatmap('BTC', hours := 24);
CREATE MACRO heatmap(coin, as_of := NULL, hours := 168, step := 1, buckets := 2) AS TABLE
WITH last AS MATERIALIZED (
    FROM map_hour(coin, as_of := as_of)
),

-- Below 1 USD buckets are negative, and // would round them up.
levels AS (
    SELECT
        l.hour_utc, floor(l.price_bucket / ops.whole(buckets, 'buckets'))::INTEGER AS wide_bucket,
        l.notional_usd::DECIMAL(18, 6) AS usd
    FROM levels_of(coin) AS l
    JOIN last AS h
        ON l.date >= (h.hour_utc - INTERVAL 1 HOUR * (ops.whole(hours, 'hours') - 1))::DATE
            AND l.date <= h.hour_utc::DATE
            AND l.hour_utc > h.hour_utc - INTERVAL 1 HOUR * ops.whole(hours, 'hours')
            AND l.hour_utc <= h.hour_utc
            AND date_diff('hour', l.hour_utc, h.hour_utc) % ops.whole(step, 'step') = 0
)

SELECT
    hour_utc, wide_bucket AS price_bucket, 1.001 ** (wide_bucket * ops.whole(buckets, 'buckets')) AS price_low,
    1.001 ** ((wide_bucket + 1) * ops.whole(buckets, 'buckets')) AS price_high, sum(usd)::DOUBLE AS notional_usd
FROM levels
GROUP BY hour_utc, wide_bucket
ORDER BY hour_utc, wide_bucket;
