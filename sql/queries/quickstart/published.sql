SELECT run_status, published
FROM ops.runs
WHERE last_hour_utc = $hour
ORDER BY started_at_utc DESC
LIMIT 1;
