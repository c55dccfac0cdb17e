-- One row per coin and hour for dashboards, all exchanges together. Distances are from the mean of the exchanges'
-- marks.
--
-- Max pain is the bucket with the most notional, the nearest if several. A magnet is the cluster nearest to the mark;
-- many believe that it attracts the price, which this table does not claim. A void is the widest range within 10 % in
-- which each bucket holds at most half of the side's median bucket within 10 %. It begins beyond the first fuller
-- bucket, because the gap at the mark, which the price has just swept, always exists. Few buckets of a modelled map are
-- empty.
--
-- Dollars are added as decimals: exact, so that the order of rows does not matter.
WITH hours AS (
    SELECT
        coin, hour_utc, max(mark_price) AS mark_price,
        max(long_usd) FILTER (distance_bp = 100) AS long_1pct_usd,
        max(short_usd) FILTER (distance_bp = 100) AS short_1pct_usd,
        max(imbalance) FILTER (distance_bp = 100) AS imbalance_1pct,
        max(long_usd) FILTER (distance_bp = 200) AS long_2pct_usd,
        max(short_usd) FILTER (distance_bp = 200) AS short_2pct_usd,
        max(imbalance) FILTER (distance_bp = 200) AS imbalance_2pct,
        max(long_usd) FILTER (distance_bp = 500) AS long_5pct_usd,
        max(short_usd) FILTER (distance_bp = 500) AS short_5pct_usd,
        max(imbalance) FILTER (distance_bp = 500) AS imbalance_5pct,
        bool_or(is_stale) AS is_stale, max(parameters_version) AS parameters_version, max(source) AS source
    FROM market_balance
    GROUP BY coin, hour_utc
),

sides AS (
    FROM (VALUES ('long', 0.9, 1.0), ('short', 1.0, 1.1)) AS sides(side, nearest_low, nearest_high)
),

buckets AS (
    SELECT coin, hour_utc, side, price_bucket, sum(notional_usd::DECIMAL(18, 6)) AS usd
    FROM liquidation_levels
    GROUP BY ALL
),

pains AS (
    SELECT
        coin, hour_utc, side, max(usd)::DOUBLE AS usd,
        ops.bucket_edge(arg_max(price_bucket, (usd, if(side = 'long', price_bucket, -price_bucket))) + 0.5) AS price
    FROM buckets JOIN hours USING (coin, hour_utc)
    WHERE usd > 0 AND if(side = 'long', 1, -1) * (price_bucket - floor(ops.grid_position(mark_price))) <= 0
    GROUP BY coin, hour_utc, side
),

ranges AS (
    SELECT
        coin, hour_utc, side, ceil(ops.grid_position(mark_price * nearest_low) - 0.5)::INTEGER AS lowest,
        floor(ops.grid_position(mark_price * nearest_high) - 0.5)::INTEGER AS highest
    FROM hours CROSS JOIN sides
),

-- Every bucket within 10 %, even without notional.
near AS (
    SELECT
        coin, hour_utc, side, if(side = 'long', highest, lowest) AS nearest_bucket,
        unnest(range(lowest, highest + 1))::INTEGER AS price_bucket
    FROM ranges
),

sparse AS (
    SELECT coin, hour_utc, side, price_bucket, nearest_bucket, coalesce(buckets.usd, 0)::DOUBLE AS held_usd
    FROM near LEFT JOIN buckets USING (coin, hour_utc, side, price_bucket)
    QUALIFY held_usd <= 0.5 * median(held_usd) OVER (PARTITION BY coin, hour_utc, side)
),

-- Consecutive buckets have the same difference between bucket and row number. The gap at the mark is excluded.
runs AS (
    SELECT coin, hour_utc, side, min(price_bucket) AS lowest, max(price_bucket) AS highest
    FROM (
        SELECT *, price_bucket - row_number() OVER (PARTITION BY coin, hour_utc, side ORDER BY price_bucket) AS run
        FROM sparse
    )
    GROUP BY coin, hour_utc, side, nearest_bucket, run
    HAVING nearest_bucket NOT BETWEEN min(price_bucket) AND max(price_bucket)
),

voids AS (
    SELECT
        coin, hour_utc, side, ops.bucket_edge(lowest) AS low, ops.bucket_edge(highest + 1) AS high
    FROM runs
    QUALIFY row_number() OVER (
        PARTITION BY coin, hour_utc, side ORDER BY highest - lowest DESC, if(side = 'long', -lowest, lowest)
    ) = 1
),

magnets AS (
    SELECT coin, hour_utc, side, price_peak AS price, distance_bp AS bp, intensity
    FROM liquidation_clusters
    QUALIFY row_number() OVER (PARTITION BY coin, hour_utc, side ORDER BY distance_bp, rank) = 1
),

by_side AS (
    SELECT
        coin, hour_utc, side, p.price AS pain_price, p.usd AS pain_usd, m.price AS magnet_price, m.bp AS magnet_bp,
        m.intensity AS magnet_intensity, v.low AS void_low, v.high AS void_high, c.trigger_price, c.amplification
    FROM hours CROSS JOIN sides
    LEFT JOIN pains AS p USING (coin, hour_utc, side)
    LEFT JOIN magnets AS m USING (coin, hour_utc, side)
    LEFT JOIN voids AS v USING (coin, hour_utc, side)
    LEFT JOIN cascade_risk AS c USING (coin, hour_utc, side)
),

longs AS (FROM by_side WHERE side = 'long'),

shorts AS (FROM by_side WHERE side = 'short')

SELECT
    coin, strftime(hour_utc, '%Y-%m') AS month, hour_utc::DATE AS date, hour_utc, mark_price,
    l.pain_price AS long_max_pain_price, l.pain_usd AS long_max_pain_usd,
    s.pain_price AS short_max_pain_price, s.pain_usd AS short_max_pain_usd,
    l.magnet_price AS long_magnet_price, l.magnet_bp AS long_magnet_bp, l.magnet_intensity AS long_magnet_intensity,
    s.magnet_price AS short_magnet_price, s.magnet_bp AS short_magnet_bp, s.magnet_intensity AS short_magnet_intensity,
    l.void_low AS long_void_low, l.void_high AS long_void_high,
    s.void_low AS short_void_low, s.void_high AS short_void_high,
    long_1pct_usd, short_1pct_usd, imbalance_1pct, long_2pct_usd, short_2pct_usd, imbalance_2pct,
    long_5pct_usd, short_5pct_usd, imbalance_5pct,
    l.trigger_price AS long_trigger_price, l.amplification AS long_amplification,
    s.trigger_price AS short_trigger_price, s.amplification AS short_amplification,
    is_stale, parameters_version, source
FROM hours
JOIN longs AS l USING (coin, hour_utc)
JOIN shorts AS s USING (coin, hour_utc)
