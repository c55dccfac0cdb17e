-- Predicted, modelled and realised liquidations per hour and side.
--
-- An hour starts after the previous hour's end and includes its own. The prediction is from the previous hour's map, so
-- that hour is an input too; it also gets a row, without a start of its range. Dollars are added as decimals: exact, so
-- that the order of rows does not matter.
WITH marks AS (
    -- A bar belongs to the hour in which it ends, as in the estimator.
    SELECT
        coin, exchange, instrument, min(low) AS lowest, max(high) AS highest,
        ops.hour_of(open_utc + to_minutes(interval_minutes)) AS hour_utc
    FROM price_bars
    GROUP BY ALL
),

ranges AS (
    SELECT
        ledger.*, earlier.mark_price AS previous, lowest, highest,
        ledger.is_stale OR coalesce(earlier.is_stale, false) AS either_is_stale,
        if(ledger.side = 'long', lowest, highest) AS worst,
        if(ledger.side = 'long', greatest(highest, previous), least(lowest, previous)) AS best
    FROM position_ledger AS ledger
    LEFT JOIN position_ledger AS earlier
        ON earlier.coin = ledger.coin AND earlier.exchange = ledger.exchange AND earlier.instrument = ledger.instrument
        AND earlier.side = ledger.side AND earlier.hour_utc + INTERVAL 1 HOUR = ledger.hour_utc
    LEFT JOIN marks
        ON marks.coin = ledger.coin AND marks.exchange = ledger.exchange AND marks.instrument = ledger.instrument
        AND marks.hour_utc = ledger.hour_utc
),

-- A bucket is reached when its middle is, as in the estimator.
predicted AS (
    SELECT
        coin, exchange, instrument, side, r.hour_utc, sum(notional_usd::DECIMAL(38, 6)) AS usd
    FROM liquidation_levels AS l
    JOIN ranges AS r USING (coin, exchange, instrument, side)
    WHERE l.hour_utc + INTERVAL 1 HOUR = r.hour_utc
        AND if(side = 'long', sqrt(price_low * price_high) >= worst, sqrt(price_low * price_high) <= worst)
    GROUP BY ALL
),

realised AS (
    SELECT
        coin, exchange, instrument, side, sum(notional_usd::DECIMAL(38, 6)) AS usd, count(*) AS events,
        ops.hour_of(time_utc) AS hour_utc
    FROM realised_liquidations
    GROUP BY ALL
)

SELECT
    coin, hour_utc::DATE AS date, hour_utc, exchange, instrument, side,
    previous AS previous_mark_price, lowest AS lowest_mark_price, highest AS highest_mark_price,
    if(previous IS NOT NULL AND worst IS NOT NULL, coalesce(predicted.usd, 0)::DOUBLE, NULL) AS predicted_usd,
    liquidated_base, if(liquidated_base = 0, 0, liquidated_base * sqrt(worst * best)) AS modelled_usd,
    if(feed.completeness IS NULL, NULL, coalesce(realised.usd, 0)::DOUBLE) AS realised_usd,
    if(feed.completeness IS NULL, NULL, coalesce(realised.events, 0)) AS realised_count,
    feed.completeness, mark_price, either_is_stale AS is_stale, parameters_version, ranges.source
FROM ranges
LEFT JOIN predicted USING (coin, exchange, instrument, side, hour_utc)
LEFT JOIN realised USING (coin, exchange, instrument, side, hour_utc)
LEFT JOIN realised_coverage AS feed USING (coin, exchange, instrument, hour_utc)
