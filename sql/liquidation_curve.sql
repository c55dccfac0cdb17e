-- Cumulative notional from the mark outward: each exchange from its own mark, and `all`, the sum.
--
-- Dollars are added as decimals. That is exact, so the result depends neither on the order in which threads add nor on
-- the number of hours built at once. A NaN cannot be cast to a decimal and fails the build; so does a version without
-- log_sd.
--
-- The band around a sum (ops.band_factor) is explained in transforms/model/bands.py. Errors of fit, gaps and model add up
-- over exchanges; errors of chance are independent.
WITH distances AS (
    SELECT unnest([10, 25, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 1500, 2000, 2500])::DOUBLE AS distance_bp
),

-- `outward` points away from the mark: longs are liquidated below it, shorts above.
sides AS (
    FROM (VALUES ('long', -1), ('short', 1)) AS sides(side, outward)
),

log_sds AS (
    SELECT version, p.exchange, p.side, leverage_class, value AS log_sd
    FROM model_parameters AS p
    JOIN (SELECT DISTINCT leverage_class FROM liquidation_levels) ON leverage_x = rtrim(leverage_class, 'x+')::DOUBLE
    WHERE parameter = 'log_sd'
),

-- `fit_usd` is one standard deviation of the fit, summed over classes; `gap_usd` is the same for hours without data
-- (transforms/model/gap_uncertainty.py). A level is far below a trillion dollars, and decimals of 18 digits add up many
-- times faster than decimals of 38.
buckets AS (
    SELECT
        coin, hour_utc, l.exchange, l.side, price_low, price_high,
        sum(notional_usd::DECIMAL(18, 6)) AS usd,
        sum((notional_usd * coalesce(log_sd, 'NaN'))::DECIMAL(18, 6)) AS fit_usd,
        sum((notional_usd * gap_log_sd)::DECIMAL(18, 6)) AS gap_usd,
        sum(notional_1d_usd::DECIMAL(18, 6)) AS usd_1d,
        sum(notional_7d_usd::DECIMAL(18, 6)) AS usd_7d,
        sum(notional_30d_usd::DECIMAL(18, 6)) AS usd_30d
    FROM liquidation_levels AS l
    LEFT JOIN log_sds AS p
        ON p.version = parameters_version AND p.exchange = l.exchange AND p.side = l.side
        AND p.leverage_class = l.leverage_class
    GROUP BY ALL
),

instruments AS (
    SELECT
        coin, hour_utc, exchange, instrument, max(mark_price) AS mark_price, sum(notional_usd::DECIMAL(18, 6)) AS usd,
        bool_or(is_stale) AS is_stale, max(parameters_version) AS parameters_version, max(source) AS source
    FROM liquidation_levels
    GROUP BY ALL
),

-- An exchange's mark is that of its instrument with the most notional.
exchanges AS (
    SELECT
        coin, hour_utc, exchange, first(mark_price ORDER BY usd DESC, instrument) AS mark_price,
        bool_or(is_stale) AS is_stale, max(parameters_version) AS parameters_version, max(source) AS source
    FROM instruments
    GROUP BY ALL
),

-- Every point has a row, even without notional before it.
points AS (
    SELECT *, mark_price * (1 + outward * distance_bp / 1e4) AS price
    FROM exchanges CROSS JOIN sides CROSS JOIN distances
),

-- A bucket counts from the first point at or beyond its middle.
rings AS (
    SELECT
        p.coin, p.hour_utc, p.exchange, p.side, p.distance_bp, sum(b.usd) AS usd, sum(b.fit_usd) AS fit_usd,
        sum(b.gap_usd) AS gap_usd,
        sum(b.usd_1d) AS usd_1d, sum(b.usd_7d) AS usd_7d, sum(b.usd_30d) AS usd_30d
    FROM buckets AS b
    ASOF JOIN points AS p
        ON b.coin = p.coin AND b.hour_utc = p.hour_utc AND b.exchange = p.exchange AND b.side = p.side
        AND sqrt(price_low * price_high) * if(b.side = 'long', -1, 1) <= p.price * p.outward
    GROUP BY ALL
),

sums AS (
    SELECT
        p.*, coalesce(sum(r.usd) OVER outwards, 0) AS usd, coalesce(sum(r.fit_usd) OVER outwards, 0) AS fit_usd,
        coalesce(sum(r.gap_usd) OVER outwards, 0) AS gap_usd,
        coalesce(sum(r.usd_1d) OVER outwards, 0) AS usd_1d, coalesce(sum(r.usd_7d) OVER outwards, 0) AS usd_7d,
        coalesce(sum(r.usd_30d) OVER outwards, 0) AS usd_30d
    FROM points AS p
    LEFT JOIN rings AS r USING (coin, hour_utc, exchange, side, distance_bp)
    WINDOW outwards AS (PARTITION BY p.coin, p.hour_utc, p.exchange, p.side ORDER BY p.distance_bp)
),

-- The mark of `all` is the average of the exchanges' marks; its notional sums each exchange from that exchange's own
-- mark.
together AS (
    SELECT
        coin, hour_utc, 'all' AS exchange, side, outward, distance_bp, avg(mark_price ORDER BY exchange) AS mark_price,
        bool_or(is_stale) AS is_stale, max(parameters_version) AS parameters_version, max(source) AS source,
        sum(usd) AS usd, sum(usd_1d) AS usd_1d, sum(usd_7d) AS usd_7d, sum(usd_30d) AS usd_30d,
        sum(fit_usd) AS fit_usd, sum(gap_usd) AS gap_usd
    FROM sums
    GROUP BY ALL
),

lines AS (
    FROM sums
    UNION ALL BY NAME
    SELECT *, mark_price * (1 + outward * distance_bp / 1e4) AS price FROM together
),

widths AS (
    SELECT *, ops.band_factor(usd, fit_usd, gap_usd) AS factor FROM lines
)

SELECT
    coin, hour_utc::DATE AS date, hour_utc, exchange, side, distance_bp, price,
    usd::DOUBLE AS cumulative_usd, usd_1d::DOUBLE AS cumulative_opened_1d_usd,
    usd_7d::DOUBLE AS cumulative_opened_7d_usd, usd_30d::DOUBLE AS cumulative_opened_30d_usd,
    usd::DOUBLE / factor AS cumulative_p10_usd, usd::DOUBLE AS cumulative_p50_usd,
    usd::DOUBLE * factor AS cumulative_p90_usd,
    mark_price, is_stale, parameters_version, source
FROM widths
