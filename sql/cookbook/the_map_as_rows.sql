-- What does the liquidation map look like within 3 % of the mark, exchanges added up? (modelled)
SELECT price_low, price_high, long_usd, short_usd, cumulative_long_usd, cumulative_short_usd
FROM liquidation_map('BTC', span := 0.03)
WHERE exchange = 'all';
