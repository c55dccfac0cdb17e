-- liquidation_map(coin, as_of := NULL, span := 0.05, exchange := NULL)
--
-- The liquidation map as rows: price buckets by exchange, with the cumulative curves. Modelled: positions that would be
-- liquidated if the mark went there, not orders.
--
-- coin       a coin in the warehouse; any other is an error
-- as_of      a time, in UTC or with a zone; default: the latest published hour. An hour without a map is an error
-- span       distance from each exchange's own mark, as a fraction: 0.05 is 5 %; at most 0.25, the range of the map
-- exchange   one exchange; default or `all`: every exchange, and rows of exchange `all` with their sum
--
-- hour_utc                end of the map's hour, UTC
-- exchange                the exchange, or `all`
-- price_bucket            index of the 10 bp bucket on the fixed grid
-- price_low, price_high   edges of the bucket, USD
-- long_usd, short_usd     modelled notional of longs and shorts that would be liquidated in the bucket, USD
-- cumulative_long_usd     longs from the mark down to this bucket inclusive, USD; 0 above the mark
-- cumulative_short_usd    shorts from the mark up to this bucket inclusive, USD; 0 below the mark
-- cumulative_long_p10_usd, cumulative_long_p90_usd, cumulative_short_p10_usd, cumulative_short_p90_usd
--                         10th and 90th percentile of the cumulative sums, USD: 80 % credible interval
-- distance_bp             distance of the bucket's middle from the exchange's own mark, 0.01 %; negative below it; null
--                         for `all`
-- mark_price              the exchange's own mark, USD; null for `all`
-- is_stale                true if carried forward from an earlier hour because the exchange's data was missing
-- parameters_version      version of the parameters, a key of model.model_parameters
-- source                  simulated, recorded, live or imported
--
-- Example: FROM liquidation_map('BTC', span := 0.02);
CREATE MACRO liquidation_map(coin, as_of := NULL, span := 0.05, exchange := NULL) AS TABLE
WITH levels AS MATERIALIZED (
    SELECT
        l.hour_utc, l.exchange AS exchange_name, l.side, l.price_bucket, l.price_low, l.price_high, l.mark_price,
        l.usd, l.fit_usd, l.gap_usd, l.is_stale, l.parameters_version, l.source
    FROM ops.levels_with_errors(coin, as_of, exchange) AS l
    WHERE abs(sqrt(l.price_low * l.price_high) / l.mark_price - 1) <= ops.distance(span)
),

buckets AS (
    SELECT
        max(hour_utc) AS hour_utc, coalesce(exchange_name, 'all') AS exchange_name, price_bucket,
        max(price_low) AS price_low, max(price_high) AS price_high, coalesce(sum(usd) FILTER (side = 'long'), 0) AS long_usd,
        coalesce(sum(usd) FILTER (side = 'short'), 0) AS short_usd,
        sum(fit_usd) FILTER (side = 'long') AS long_fit_usd, sum(gap_usd) FILTER (side = 'long') AS long_gap_usd,
        sum(fit_usd) FILTER (side = 'short') AS short_fit_usd, sum(gap_usd) FILTER (side = 'short') AS short_gap_usd,
        CASE grouping(exchange_name) WHEN 0 THEN max(mark_price) END AS mark_price, bool_or(is_stale) AS is_stale,
        max(parameters_version) AS parameters_version, max(source) AS source
    FROM levels
    GROUP BY GROUPING SETS ((exchange_name, price_bucket), (price_bucket))
),

sums AS (
    SELECT
        *, sum(long_usd) OVER down AS long_sum,
        ops.band_factor(sum(long_usd) OVER down, sum(long_fit_usd) OVER down, sum(long_gap_usd) OVER down) AS long_factor,
        sum(short_usd) OVER up AS short_sum,
        ops.band_factor(sum(short_usd) OVER up, sum(short_fit_usd) OVER up, sum(short_gap_usd) OVER up) AS short_factor
    FROM buckets
    WINDOW
        down AS (PARTITION BY exchange_name ORDER BY price_bucket DESC),
        up AS (PARTITION BY exchange_name ORDER BY price_bucket)
)

SELECT
    hour_utc, exchange_name AS exchange, price_bucket, price_low, price_high, long_usd::DOUBLE AS long_usd,
    short_usd::DOUBLE AS short_usd, long_sum::DOUBLE AS cumulative_long_usd,
    short_sum::DOUBLE AS cumulative_short_usd,
    long_sum::DOUBLE / long_factor AS cumulative_long_p10_usd, long_sum::DOUBLE * long_factor AS cumulative_long_p90_usd,
    short_sum::DOUBLE / short_factor AS cumulative_short_p10_usd,
    short_sum::DOUBLE * short_factor AS cumulative_short_p90_usd,
    (sqrt(price_low * price_high) / mark_price - 1) * 1e4 AS distance_bp, mark_price, is_stale, parameters_version,
    source
FROM sums
WHERE ops.exchange(exchange) IS NULL OR exchange_name <> 'all'
ORDER BY exchange_name, price_bucket;
