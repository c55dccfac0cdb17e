FROM mart.map_scores
WHERE coin = $coin AND date = (SELECT max(date) FROM mart.map_scores WHERE coin = $coin AND date <= $date)
ORDER BY exchange, instrument, side, estimator;
