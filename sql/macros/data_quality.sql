-- data_quality(coin, since := NULL, until := NULL)
--
-- How far the hours of a range can be trusted: how many there are, how many were carried for want of data, and why.
-- A log of what this warehouse did.
--
-- coin   a coin of the warehouse; another is refused
-- since  the first moment, in UTC or with its zone; default: the first hour
-- until  the last moment, in UTC or with its zone; default: the last published hour. A range without a map is refused
--
-- exchange             the exchange
-- hours                hours of the range, from its first to its last, that any exchange has a map of
-- hours_published          hours that this exchange has a map of
-- hours_stale          of them, carried from an earlier hour, as the exchange was missing
-- readings_missing     hours and series (open interest, bars) that did not come
-- readings_carried     that stand for an earlier minute of the hour
-- readings_derived     that were worked out from something else
-- reasons              why, each once
-- first_utc, last_utc  the first and last hour of this exchange in the range, UTC
-- source               simulated, recorded, live or imported
--
-- Example: FROM data_quality('BTC');
CREATE MACRO data_quality(coin, since := NULL, until := NULL) AS TABLE
WITH books AS MATERIALIZED (
    SELECT b.exchange, b.hour_utc, bool_or(b.is_stale) AS is_stale, max(b.source) AS source
    FROM ops.rows_of(coin, 'model.position_ledger') AS b
    WHERE ops.is_within(b.date, b.hour_utc, since, until)
    GROUP BY ALL
),

hours AS (
    SELECT count(DISTINCT hour_utc) AS hours, min(hour_utc) AS first_utc, max(hour_utc) AS last_utc FROM books
),

venues AS (
    SELECT
        exchange, count(*) AS hours_published, count(*) FILTER (is_stale) AS hours_stale, min(hour_utc) AS first_utc,
        max(hour_utc) AS last_utc, max(source) AS source
    FROM books
    GROUP BY exchange
),

gaps AS (
    SELECT
        g.exchange, count(*) FILTER (g.state = 'missing') AS missing, count(*) FILTER (g.state = 'carried') AS carried,
        count(*) FILTER (g.state = 'derived') AS derived,
        string_agg(DISTINCT g.reason, '; ' ORDER BY g.reason) AS reasons
    FROM ops.gaps AS g
    JOIN hours AS h ON g.hour_utc BETWEEN h.first_utc AND h.last_utc
    WHERE g.coin = ops.known(coin)
    GROUP BY g.exchange
)

SELECT
    v.exchange, hours, hours_published, hours_stale, coalesce(missing, 0) AS readings_missing,
    coalesce(carried, 0) AS readings_carried, coalesce(derived, 0) AS readings_derived,
    coalesce(reasons, '') AS reasons, v.first_utc, v.last_utc, v.source
FROM hours
LEFT JOIN venues AS v ON true
LEFT JOIN gaps AS g ON g.exchange = v.exchange
WHERE ops.refuse_unless(hours > 0, ops.no_map_within(coin, since, until))
ORDER BY v.exchange;
