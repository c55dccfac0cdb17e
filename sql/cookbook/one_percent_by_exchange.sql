-- How much does a fall of 1 % liquidate on each exchange, measured from that exchange's own mark?
-- Modelled.
SELECT exchange, round(max(cumulative_long_usd) / 1e6, 2) AS million_usd
FROM liquidation_map('BTC', span := 0.01)
GROUP BY exchange
ORDER BY million_usd DESC;
