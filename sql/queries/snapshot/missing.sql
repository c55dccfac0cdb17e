-- The exchanges that are missing from an hour and not carried forward, with the reason.
SELECT exchange, first(reason ORDER BY series) AS reason
FROM ops.gaps
WHERE coin = $coin AND date = $date AND hour_utc = $hour AND state = 'missing'
    AND exchange NOT IN (
        SELECT exchange FROM mart.liquidation_levels WHERE coin = $coin AND date = $date AND hour_utc = $hour
    )
GROUP BY exchange
ORDER BY exchange;
