-- How many hours does each exchange have, how many are carried forward, and why?
-- A log of what this warehouse did.
SELECT exchange, hours, hours_published, hours_stale, readings_missing, readings_carried, reasons, first_utc, last_utc
FROM data_quality('BTC');
