-- Which clusters are within 10 % of the mark, and how do they compare with their own last week?
-- Modelled.
SELECT
    side, round(price_low) AS price_low, round(price_high) AS price_high, round(notional_usd / 1e6, 2) AS million_usd,
    round(distance_bp / 100, 2) AS percent_away, round(intensity, 2) AS times_its_surroundings,
    round(intensity_z, 1) AS z_score_of_the_week
FROM clusters_near('BTC', distance := 0.1);
