-- At which leverage do the positions within 5 % stand, and how much of that was opened today? (modelled)
SELECT side, leverage_class, notional_usd, round(share, 3) AS share, notional_1d_usd
FROM leverage_profile('BTC', span := 0.05);
