SELECT
    exchange, series, state, count(DISTINCT (coin, hour_utc)) AS hours, last(reason ORDER BY hour_utc) AS reason
FROM ops.gaps
WHERE hour_utc > $since
GROUP BY exchange, series, state
ORDER BY exchange, series, state;
