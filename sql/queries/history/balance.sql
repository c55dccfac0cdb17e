WITH ranges AS (
    SELECT hour_utc, distance_bp, side, cumulative_p10_usd AS low_usd, cumulative_p90_usd AS high_usd
    FROM mart.liquidation_curve
    WHERE coin = $coin AND date >= $since::DATE AND hour_utc > $since AND hour_utc <= $hour AND exchange = 'all'
),

sides AS (
    UNPIVOT (
        SELECT
            hour_utc, distance_bp, long_usd AS long, short_usd AS short, imbalance, is_stale, parameters_version,
            source
        FROM mart.market_balance
        WHERE coin = $coin AND date >= $since::DATE AND hour_utc > $since AND hour_utc <= $hour
            AND date_diff('hour', hour_utc, $hour::TIMESTAMP) % $step = 0
    ) ON long, short INTO NAME side VALUE usd
)

FROM sides LEFT JOIN ranges USING (hour_utc, distance_bp, side) ORDER BY hour_utc, distance_bp, side;
