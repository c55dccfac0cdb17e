-- cluster_lives(coin, "from" := NULL, "to" := NULL)
--
-- Every cluster that was followed in a range of hours, a row each: how it ended, or how it stood in the last of them.
-- Modelled; realised_usd alone is what was published. No rows mean that there was no cluster.
--
-- coin   a coin of the warehouse; another is refused
-- from   the first moment, UTC; default: the first hour. A word of SQL: by name it is "from" := …
-- to     the last moment, UTC; default: the last published hour. A range without a map is refused
--
-- hours_lived   hours from birth to hour_utc, the hour of the end or the last of the range
--
-- The other columns and their units are those of mart.cluster_history, in that hour.
--
-- Example: FROM cluster_lives('BTC') ORDER BY largest_usd DESC LIMIT 20;
CREATE MACRO cluster_lives(coin, "from" := NULL, "to" := NULL) AS TABLE
WITH hours AS MATERIALIZED (
    SELECT count(*) AS n
    FROM mart.position_books AS b
    WHERE b.coin = ops.known(coin)
        AND ("from" IS NULL OR (b.date >= "from"::DATE AND b.hour_utc >= date_trunc('hour', "from"::TIMESTAMP)))
        AND ("to" IS NULL OR (b.date <= "to"::DATE AND b.hour_utc <= "to"::TIMESTAMP))
),

there AS (
    SELECT
        CASE WHEN n > 0 THEN true ELSE error(format(
            'no map of {} from {} to {}', coin, coalesce("from"::VARCHAR, 'its first hour'),
            coalesce("to"::VARCHAR, 'its last hour')
        ))::BOOLEAN END AS is_there
    FROM hours
)

SELECT h.*, date_diff('hour', h.born_utc, h.hour_utc) AS hours_lived
FROM mart.cluster_history AS h
JOIN there ON is_there
WHERE h.coin = ops.known(coin)
    AND ("from" IS NULL OR (h.date >= "from"::DATE AND h.hour_utc >= date_trunc('hour', "from"::TIMESTAMP)))
    AND ("to" IS NULL OR (h.date <= "to"::DATE AND h.hour_utc <= "to"::TIMESTAMP))
QUALIFY row_number() OVER (PARTITION BY h.side, h.life_id ORDER BY h.hour_utc DESC) = 1
ORDER BY h.born_utc, h.side, h.life_id;
