-- map_diff(coin, "from", "to" := NULL, exchange := NULL)
--
-- Who built and who closed between two hours: each price bucket of each exchange in both maps. Modelled.
--
-- coin       a coin of the warehouse; another is refused
-- from       the earlier moment, UTC; an hour without a map is refused. A word of SQL: by name it is "from" := …
-- to         the later moment, UTC; default: the last published hour
-- exchange   one exchange; default: every one
--
-- exchange, side          whose positions: the venue, long or short
-- price_bucket            number of the 10 bp bucket on the grid that is the same for ever
-- price_low, price_high   edges of the bucket, USD
-- from_usd, to_usd        modelled notional there in either hour, USD
-- change_usd              to_usd - from_usd
-- what                    built (more than before), swept (less, and the mark went through it in between), closed
--                         (less, and it did not), or same
-- from_utc, to_utc        the two hours, UTC
-- is_stale                carried from an earlier hour in either map, as the exchange was missing
--
-- Example: SELECT exchange, side, what, sum(change_usd) AS usd FROM map_diff('BTC', (SELECT max(hour_utc) - INTERVAL 6 HOURS FROM map_hour('BTC'))) GROUP BY ALL ORDER BY ALL;
CREATE MACRO map_diff(coin, "from", "to" := NULL, exchange := NULL) AS TABLE
WITH earlier AS (
    SELECT
        l.hour_utc, l.exchange AS venue, l.side, l.price_bucket, max(l.price_low) AS price_low,
        max(l.price_high) AS price_high, sum(l.notional_usd::DECIMAL(38, 6)) AS usd, bool_or(l.is_stale) AS is_stale
    FROM levels_at(coin, "from", exchange) AS l
    GROUP BY ALL
),

later AS (
    SELECT
        l.hour_utc, l.exchange AS venue, l.side, l.price_bucket, max(l.price_low) AS price_low,
        max(l.price_high) AS price_high, sum(l.notional_usd::DECIMAL(38, 6)) AS usd, bool_or(l.is_stale) AS is_stale
    FROM levels_at(coin, "to", exchange) AS l
    GROUP BY ALL
),

span AS MATERIALIZED (
    SELECT min(hour_utc) AS from_utc, max(hour_utc) AS to_utc
    FROM (SELECT hour_utc FROM earlier UNION ALL SELECT hour_utc FROM later)
),

marks AS (
    SELECT s.exchange AS venue, min(s.lowest_mark_price) AS lowest, max(s.highest_mark_price) AS highest
    FROM mart.sweeps AS s
    JOIN span ON s.hour_utc > from_utc AND s.hour_utc <= to_utc
    WHERE s.coin = ops.known(coin)
    GROUP BY s.exchange
),

both_maps AS (
    SELECT
        venue, side, price_bucket, coalesce(e.price_low, l.price_low) AS price_low,
        coalesce(e.price_high, l.price_high) AS price_high, coalesce(e.usd, 0) AS from_usd, coalesce(l.usd, 0) AS to_usd,
        coalesce(e.is_stale, false) OR coalesce(l.is_stale, false) AS is_stale
    FROM earlier AS e
    FULL JOIN later AS l USING (venue, side, price_bucket)
)

SELECT
    b.venue AS exchange, side, price_bucket, price_low, price_high, from_usd::DOUBLE AS from_usd, to_usd::DOUBLE AS to_usd,
    (to_usd - from_usd)::DOUBLE AS change_usd,
    CASE
        WHEN to_usd = from_usd THEN 'same'
        WHEN to_usd > from_usd THEN 'built'
        WHEN sqrt(price_low * price_high) BETWEEN lowest AND highest THEN 'swept'
        ELSE 'closed'
    END AS what,
    from_utc, to_utc, is_stale
FROM both_maps AS b
CROSS JOIN span
LEFT JOIN marks AS m ON m.venue = b.venue
ORDER BY b.venue, side, price_bucket;
