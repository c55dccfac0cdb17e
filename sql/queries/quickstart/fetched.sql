SELECT exchange, outcome, count(*) AS requests
FROM ops.fetches
WHERE sent_at_utc >= $since
GROUP BY ALL
ORDER BY ALL;
