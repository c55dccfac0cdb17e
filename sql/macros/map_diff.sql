-- map_diff(coin, since := NULL, until := NULL, exchange := NULL)
--
-- The change of notional between two hours, by price bucket and exchange, where both maps reach the bucket. Modelled.
--
-- coin       a coin in the warehouse; any other is an error
-- since      the earlier time, in UTC or with a zone; default: the hour before `until`
-- until      the later time, in UTC or with a zone; default: the latest published hour. Hours without a map are an
--            error, and so is a `since` after `until`
-- exchange   one exchange; default or `all`: every exchange
--
-- exchange, side          exchange and side of the positions, long or short
-- price_bucket            index of the 10 bp bucket on the fixed grid
-- price_low, price_high   edges of the bucket, USD
-- from_usd, to_usd        modelled notional there in either hour, USD
-- change_usd              to_usd - from_usd
-- change_type             built (more notional), swept (less, and the mark crossed the bucket in between), closed
--                         (less, and it did not), or same
-- from_utc, to_utc        ends of the two hours, UTC
-- is_stale                true if either map is carried forward from an earlier hour because data was missing
--
-- Example: SELECT exchange, side, change_type, sum(change_usd) AS usd FROM map_diff('BTC') GROUP BY ALL ORDER BY ALL;
CREATE MACRO map_diff(coin, since := NULL, until := NULL, exchange := NULL) AS TABLE
WITH span AS MATERIALIZED (
    SELECT coalesce(date_trunc('hour', ops.moment(since)), hour_utc - INTERVAL 1 HOUR) AS from_utc, hour_utc AS to_utc
    FROM map_hour(coin, as_of := until, exchange := exchange)
    WHERE ops.refuse_unless(since IS NULL OR date_trunc('hour', ops.moment(since)) <= hour_utc, format(
        'the map of {} can only be compared with an earlier one, and since := {} is after it', hour_utc, since
    ))
),

hours AS MATERIALIZED (
    SELECT from_utc AS hour_utc, 'from' AS which FROM span UNION ALL SELECT to_utc, 'to' FROM span
),

levels AS (
    SELECT
        l.exchange AS exchange_name, l.side, l.price_bucket, l.price_low, l.price_high,
        l.notional_usd::DECIMAL(18, 6) AS usd, l.is_stale, h.which, min(l.price_bucket) OVER map AS lowest_bucket,
        max(l.price_bucket) OVER map AS highest_bucket
    FROM levels_of(coin) AS l
    JOIN hours AS h ON l.date = h.hour_utc::DATE AND l.hour_utc = h.hour_utc
    WHERE ops.exchange(exchange) IS NULL OR l.exchange = ops.exchange(exchange)
    WINDOW map AS (PARTITION BY h.which, l.exchange)
),

buckets AS MATERIALIZED (
    SELECT
        exchange_name, side, price_bucket, max(price_low) AS price_low, max(price_high) AS price_high,
        coalesce(sum(usd) FILTER (which = 'from'), 0) AS from_usd,
        coalesce(sum(usd) FILTER (which = 'to'), 0) AS to_usd,
        bool_or(is_stale) AS is_stale,
        max(max(lowest_bucket)) OVER (PARTITION BY exchange_name) AS first_bucket,
        min(min(highest_bucket)) OVER (PARTITION BY exchange_name) AS last_bucket,
        count(*) FILTER (which = 'from') AS from_rows
    FROM levels
    GROUP BY exchange_name, side, price_bucket
),

marks AS (
    SELECT s.exchange AS exchange_name, min(s.lowest_mark_price) AS lowest, max(s.highest_mark_price) AS highest
    FROM mart.sweeps AS s
    JOIN span ON s.hour_utc > from_utc AND s.hour_utc <= to_utc
    WHERE s.coin = ops.known(coin)
    GROUP BY s.exchange
),

earlier AS (
    SELECT
        ops.refuse_unless(
            coalesce(sum(from_rows), 0) > 0, format('no map of {} at {}', coin, any_value(from_utc))
        ) AS is_there
    FROM span LEFT JOIN buckets ON true
)

SELECT
    b.exchange_name AS exchange, side, price_bucket, price_low, price_high, from_usd::DOUBLE AS from_usd,
    to_usd::DOUBLE AS to_usd, (to_usd - from_usd)::DOUBLE AS change_usd,
    CASE
        WHEN to_usd = from_usd THEN 'same'
        WHEN to_usd > from_usd THEN 'built'
        WHEN sqrt(price_low * price_high) BETWEEN lowest AND highest THEN 'swept'
        ELSE 'closed'
    END AS change_type,
    from_utc, to_utc, is_stale
FROM buckets AS b
JOIN earlier ON is_there
CROSS JOIN span
LEFT JOIN marks AS m ON m.exchange_name = b.exchange_name
WHERE price_bucket BETWEEN first_bucket AND last_bucket
ORDER BY b.exchange_name, side, price_bucket;
