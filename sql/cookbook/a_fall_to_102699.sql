-- If BTC falls to 102,699, how much long notional is at risk, and on which exchanges? (modelled)
-- A published reading, of a mark around 103,753: put a price below today's mark in, or there are no rows.
SELECT
    exchange, side, round(level_usd / 1e6, 2) AS million_usd_at_that_level,
    round(cumulative_usd / 1e6, 2) AS million_usd_on_the_way
FROM at_risk('BTC', 102699)
WHERE side = 'long' AND leverage_class = 'all';
