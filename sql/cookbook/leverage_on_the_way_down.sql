-- At what leverage are the longs that a fall of 1 % liquidates?
-- Modelled. The published reading behind it: from a mark of 103,753 down to 102,699.
SET VARIABLE level = (SELECT 0.99 * mark_price FROM summary_at('BTC'));

SELECT
    leverage_class, round(sum(cumulative_usd) / 1e6, 2) AS million_usd,
    round(sum(cumulative_opened_1d_usd) / 1e6, 2) AS opened_in_the_last_day_million_usd
FROM at_risk('BTC', getvariable('level'))
WHERE leverage_class <> 'all' AND exchange <> 'all'
GROUP BY leverage_class
HAVING sum(cumulative_usd) > 0
ORDER BY sum(cumulative_usd) DESC;
