SELECT count(*), count(*) FILTER (NOT passed)
FROM ops.checks
WHERE date = $date AND hour_utc = $hour;
