-- What stood in the range that the mark then went through, beside what was swept and realised there.
--
-- An hour is the time after the hour before it, up to itself. Its map is that of the hour before, so that hour is given
-- too; a row is made of it as well, of which the range lacks its beginning. Dollars are added as decimals: exact, so
-- that no order shows in the last digit of a double.
WITH marks AS (
    -- A bar belongs to the hour that it ends in, as for the estimator.
    SELECT
        coin, exchange, instrument, min(low) AS lowest, max(high) AS highest,
        date_trunc('hour', open_utc + to_minutes(interval_minutes) - INTERVAL 1 MILLISECOND) + INTERVAL 1 HOUR
            AS hour_utc
    FROM price_bars
    GROUP BY ALL
),

ranges AS (
    SELECT
        book.*, before.mark_price AS previous, lowest, highest,
        book.is_stale OR coalesce(before.is_stale, false) AS either_is_stale,
        if(book.side = 'long', lowest, highest) AS worst,
        if(book.side = 'long', greatest(highest, previous), least(lowest, previous)) AS best
    FROM position_ledger AS book
    LEFT JOIN position_ledger AS before
        ON before.coin = book.coin AND before.exchange = book.exchange AND before.instrument = book.instrument
        AND before.side = book.side AND before.hour_utc + INTERVAL 1 HOUR = book.hour_utc
    LEFT JOIN marks
        ON marks.coin = book.coin AND marks.exchange = book.exchange AND marks.instrument = book.instrument
        AND marks.hour_utc = book.hour_utc
),

-- A bucket counts as reached when its middle is, as for the estimator.
stood AS (
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
        date_trunc('hour', time_utc - INTERVAL 1 MILLISECOND) + INTERVAL 1 HOUR AS hour_utc
    FROM realised_liquidations
    GROUP BY ALL
)

SELECT
    coin, hour_utc::DATE AS date, hour_utc, exchange, instrument, side,
    previous AS previous_mark_price, lowest AS lowest_mark_price, highest AS highest_mark_price,
    if(previous IS NOT NULL AND worst IS NOT NULL, coalesce(stood.usd, 0)::DOUBLE, NULL) AS predicted_usd,
    liquidated_base, if(liquidated_base = 0, 0, liquidated_base * sqrt(worst * best)) AS modelled_usd,
    if(feed.completeness IS NULL, NULL, coalesce(realised.usd, 0)::DOUBLE) AS realised_usd,
    if(feed.completeness IS NULL, NULL, coalesce(realised.events, 0)) AS realised_count,
    feed.completeness, mark_price, either_is_stale AS is_stale, parameters_version, ranges.source
FROM ranges
LEFT JOIN stood USING (coin, exchange, instrument, side, hour_utc)
LEFT JOIN realised USING (coin, exchange, instrument, side, hour_utc)
LEFT JOIN realised_coverage AS feed USING (coin, exchange, instrument, hour_utc)
