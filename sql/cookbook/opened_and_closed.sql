-- Where did notional grow, shrink or get swept in the last hour, by exchange and side?
-- Modelled.
SELECT exchange, side, change_type, round(sum(change_usd) / 1e6, 2) AS million_usd, count(*) AS levels
FROM map_diff('BTC')
GROUP BY ALL
ORDER BY ALL;
