-- Which clusters are within 10 % of the mark, and how do they compare with their own last week? (modelled)
SELECT side, rank, price_low, price_high, notional_usd, intensity, intensity_z, distance_bp, exchange_shares
FROM clusters_near('BTC', 0.1);
