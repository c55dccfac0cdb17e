SELECT hour_utc, side, price_low, price_high
FROM mart.liquidation_clusters
WHERE coin = $coin AND date >= $first::DATE AND hour_utc >= $first AND date <= $last::DATE AND hour_utc <= $last;
