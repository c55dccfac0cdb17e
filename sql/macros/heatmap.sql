-- heatmap(coin, as_of := NULL, hours := 168, step := 1, buckets := 2)
--
-- The liquidation map through time: notional by price and hour, for every hour or every `step` hours. Modelled.
--
-- coin      a coin in the warehouse; any other is an error
-- as_of     a time, in UTC or with a zone; default: the latest published hour. An hour without a map is an error
-- hours     number of hours back, including the last
-- step      hours between two maps, counted back from the last: 1 is every hour
-- buckets   number of 10 bp buckets per row of the picture: 2 is 0.2 % of the price
--
-- hour_utc                end of the map's hour, UTC; an hour without a map has no rows
-- price_bucket            index of the row: price bucket divided by `buckets`, rounded down
-- price_low, price_high   edges of the row, USD
-- notional_usd            modelled notional of longs and shorts there, sum over all exchanges, USD
--
-- Example: SELECT count(*) AS cells, max(notional_usd) AS largest FROM heatmap('BTC', hours := 24);
CREATE MACRO heatmap(coin, as_of := NULL, hours := 168, step := 1, buckets := 2) AS TABLE
WITH last AS MATERIALIZED (
    FROM map_hour(coin, as_of := as_of)
),

-- Buckets below 1 USD are negative, and // would round them towards zero.
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
    hour_utc, wide_bucket AS price_bucket, ops.bucket_edge(wide_bucket * ops.whole(buckets, 'buckets')) AS price_low,
    ops.bucket_edge((wide_bucket + 1) * ops.whole(buckets, 'buckets')) AS price_high, sum(usd)::DOUBLE AS notional_usd
FROM levels
GROUP BY hour_utc, wide_bucket
ORDER BY hour_utc, wide_bucket;
