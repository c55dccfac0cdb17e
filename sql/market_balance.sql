-- Long against short notional within 1, 2, 5 and 10 % of the mark, all exchanges together.
-- Each side has one row per point, so max() picks it; without notional on either side the imbalance is null.
WITH sides AS (
    SELECT
        coin, hour_utc, distance_bp,
        max(cumulative_usd) FILTER (side = 'long') AS long_usd,
        max(cumulative_usd) FILTER (side = 'short') AS short_usd,
        max(mark_price) AS mark_price,
        bool_or(is_stale) AS is_stale,
        max(parameters_version) AS parameters_version,
        max(source) AS source
    FROM liquidation_curve
    WHERE exchange = 'all' AND distance_bp IN (100, 200, 500, 1000)
    GROUP BY coin, hour_utc, distance_bp
)

SELECT
    coin, hour_utc::DATE AS date, hour_utc, distance_bp, long_usd, short_usd,
    (long_usd - short_usd) / nullif(long_usd + short_usd, 0) AS imbalance,
    mark_price, is_stale, parameters_version, source
FROM sides
