-- level_history(coin, price, exchange := NULL, since := NULL)
--
-- One price level through time: the notional in its 10 bp bucket, hour by hour, compared with its neighbours and with
-- its own last week. Modelled.
--
-- coin       a coin in the warehouse; any other is an error
-- price      the level, USD; a price that no map ever reached is an error
-- exchange   one exchange; default or `all`: the sum over all exchanges
-- since      the start, in UTC or with a zone; default: the first hour. Comparisons with the last week use no hour
--            before it
--
-- hour_utc                end of the hour, UTC; hours whose map does not reach the level (25 % from the mark) have no
--                         row
-- side                    long if the level is below the mark, short above; between two marks, the larger side
-- price_low, price_high   edges of the bucket, USD
-- notional_usd            modelled notional that would be liquidated in the bucket, USD
-- notional_p10_usd, notional_p90_usd
--                         its 10th and 90th percentile, USD: 80 % credible interval
-- intensity               notional divided by the mean of the 20 buckets on each side, as far as the map's side
--                         extends; 1 is no cluster, null if the neighbours are empty. A ratio, not an amount
-- notional_z              z-score against its own last 7 days; null with less than 24 hours of them
-- mark_price              average of the exchanges' marks, USD
-- is_stale                true if an exchange is carried forward from an earlier hour
-- parameters_version      version of the parameters, a key of model.model_parameters
-- source                  simulated, recorded, live or imported
--
-- Example: FROM level_history('BTC', 95000) ORDER BY hour_utc DESC LIMIT 24;
CREATE MACRO level_history(coin, price, exchange := NULL, since := NULL) AS TABLE
-- Reads files instead of the view, for speed over millions of rows; unpublished hours are filtered after the sums.
-- Notional is in whole dollars, which doubles add up exactly.
WITH sides AS (
    SELECT
        l.hour_utc, l.side, coalesce(sum(l.notional_usd) FILTER (l.price_bucket = ops.price_bucket(price)), 0) AS usd,
        coalesce(sum((l.notional_usd * p.value)::DECIMAL(18, 6)), 0) AS fit_usd,
        coalesce(sum((l.notional_usd * l.gap_log_sd)::DECIMAL(18, 6)) FILTER (
            l.price_bucket = ops.price_bucket(price)
        ), 0) AS gap_usd,
        sum(l.notional_usd) AS with_neighbours_usd, min(l.price_bucket) AS first_bucket,
        max(l.price_bucket) AS last_bucket
    FROM read_parquet(ops.files_of(coin, 'mart.liquidation_levels'), hive_partitioning = true) AS l
    LEFT JOIN model.model_parameters AS p
        ON l.price_bucket = ops.price_bucket(price) AND p.parameter = 'log_sd' AND p.version = l.parameters_version
        AND p.exchange = l.exchange AND p.side = l.side AND p.leverage_x = rtrim(l.leverage_class, 'x+')::DOUBLE
    WHERE l.price_bucket >= ops.price_bucket(price) - 20
        AND l.price_bucket <= ops.price_bucket(price) + 20
        AND (ops.exchange(exchange) IS NULL OR l.exchange = ops.exchange(exchange))
        AND ops.is_within(l.date, l.hour_utc, since, NULL)
    GROUP BY l.hour_utc, l.side
),

-- A map has no gaps as wide as 20 buckets: it reaches the level if it has levels on both sides of it.
hours AS (
    SELECT
        hour_utc, sum(usd) AS usd, ops.band_factor(sum(usd), sum(fit_usd), sum(gap_usd)) AS band_factor,
        arg_max(struct_pack(side, usd, with_neighbours_usd, first_bucket, last_bucket), (usd, side)) AS most
    FROM sides
    WHERE hour_utc <= (SELECT max(hour_utc) FROM ops.watermark)
    GROUP BY hour_utc
    HAVING ops.price_bucket(price) BETWEEN min(first_bucket) AND max(last_bucket)
),

-- Attributes that all levels of an hour share: market_balance has them in a few bytes.
attributes AS (
    SELECT b.hour_utc, b.mark_price, b.is_stale, b.parameters_version, b.source
    FROM ops.rows_of(coin, 'mart.market_balance') AS b
    WHERE b.distance_bp = 100
),

-- Squares of whole cents add up exactly, so that the result does not depend on the order of the rows.
weeks AS (
    SELECT
        *, round(usd * 100)::HUGEINT AS cents, count(*) OVER week AS n,
        sum(round(usd * 100)::HUGEINT) OVER week AS total,
        sum(round(usd * 100)::HUGEINT * round(usd * 100)::HUGEINT) OVER week AS squares
    FROM hours
    WINDOW week AS (ORDER BY hour_utc RANGE BETWEEN INTERVAL 167 HOURS PRECEDING AND CURRENT ROW)
)

SELECT
    coalesce(hour_utc, error(format(
        'no map of {}{} {}reached {}{}', coin, coalesce(' on ' || ops.exchange(exchange), ''),
        CASE WHEN since IS NULL THEN 'ever ' ELSE '' END, price, coalesce(' since ' || since::VARCHAR, '')
    ))::TIMESTAMP) AS hour_utc,
    most.side, ops.bucket_edge(ops.price_bucket(price)) AS price_low,
    ops.bucket_edge(ops.price_bucket(price) + 1) AS price_high, usd AS notional_usd, usd / band_factor AS notional_p10_usd,
    usd * band_factor AS notional_p90_usd,
    most.usd / nullif(
        (most.with_neighbours_usd - most.usd) / nullif(most.last_bucket - most.first_bucket, 0), 0
    ) AS intensity,
    CASE WHEN n >= 24
        THEN (n * cents - total)::DOUBLE / nullif(sqrt((n * squares - total * total)::DOUBLE), 0)
    END AS notional_z,
    mark_price, is_stale, parameters_version, source
FROM (SELECT 1)
LEFT JOIN weeks ON true
LEFT JOIN attributes USING (hour_utc)
ORDER BY hour_utc;
