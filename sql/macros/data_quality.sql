-- data_quality(coin, since := NULL, until := NULL)
--
-- The completeness of a range of hours by exchange: hours published and carried forward, missing readings, and reasons.
-- A log of what this warehouse did.
--
-- coin   a coin in the warehouse; any other is an error
-- since  the start, in UTC or with a zone; default: the first hour
-- until  the end, in UTC or with a zone; default: the latest published hour. A range without a map is an error
--
-- exchange             the exchange
-- hours                hours in the range for which any exchange has a map
-- hours_published      hours for which this exchange has a map
-- hours_stale          hours of hours_published that are carried forward because data was missing
-- readings_missing     missing hours, counted per series (open interest, bars)
-- readings_carried     readings carried from an earlier minute of the hour
-- readings_derived     readings derived from another series
-- reasons              distinct reasons
-- first_utc, last_utc  first and last hour of this exchange in the range, UTC
-- source               simulated, recorded, live or imported
--
-- Example: FROM data_quality('BTC');
CREATE MACRO data_quality(coin, since := NULL, until := NULL) AS TABLE
WITH ledger AS MATERIALIZED (
    SELECT b.exchange, b.hour_utc, bool_or(b.is_stale) AS is_stale, max(b.source) AS source
    FROM ops.rows_of(coin, 'model.position_ledger') AS b
    WHERE ops.is_within(b.date, b.hour_utc, since, until)
    GROUP BY ALL
),

hours AS (
    SELECT count(DISTINCT hour_utc) AS hours, min(hour_utc) AS first_utc, max(hour_utc) AS last_utc FROM ledger
),

exchanges AS (
    SELECT
        exchange, count(*) AS hours_published, count(*) FILTER (is_stale) AS hours_stale, min(hour_utc) AS first_utc,
        max(hour_utc) AS last_utc, max(source) AS source
    FROM ledger
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
    e.exchange, hours, hours_published, hours_stale, coalesce(missing, 0) AS readings_missing,
    coalesce(carried, 0) AS readings_carried, coalesce(derived, 0) AS readings_derived,
    coalesce(reasons, '') AS reasons, e.first_utc, e.last_utc, e.source
FROM hours
LEFT JOIN exchanges AS e ON true
LEFT JOIN gaps AS g ON g.exchange = e.exchange
WHERE ops.refuse_unless(hours > 0, ops.no_map_within(coin, since, until))
ORDER BY e.exchange;
