-- How much long notional is liquidated if BTC falls 1 %, and on which exchanges?
-- Modelled. The published reading behind it: from a mark of 103,753 down to 102,699.
SET VARIABLE level = (SELECT 0.99 * mark_price FROM summary_at('BTC'));

SELECT
    exchange, side, round(level_usd / 1e6, 2) AS million_usd_at_the_level,
    round(cumulative_usd / 1e6, 2) AS cumulative_million_usd
FROM at_risk('BTC', getvariable('level'))
WHERE side = 'long' AND leverage_class = 'all';
