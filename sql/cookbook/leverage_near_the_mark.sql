-- At what leverage are the positions within 5 % of the mark, and how much of them was opened in the last day?
-- Modelled.
SELECT
    side, leverage_class, round(notional_usd / 1e6, 2) AS million_usd, round(100 * share, 1) AS percent_of_the_side,
    round(notional_1d_usd / 1e6, 2) AS opened_in_the_last_day_million_usd
FROM leverage_profile('BTC', span := 0.05);
