-- How much would a fall of 1 % liquidate, and on which exchanges, each from its own mark? (modelled)
SELECT exchange, round(max(cumulative_long_usd) / 1e6, 2) AS million_usd
FROM liquidation_map('BTC', span := 0.01)
GROUP BY exchange
ORDER BY million_usd DESC;
