-- How many hours are there, how many were carried for want of data, and why? (a log)
SELECT exchange, hours, hours_published, hours_stale, readings_missing, readings_carried, reasons, first_utc, last_utc
FROM data_quality('BTC');
