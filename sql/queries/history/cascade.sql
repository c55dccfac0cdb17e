FROM mart.cascade_risk WHERE coin = $coin AND date = $date AND hour_utc = $hour ORDER BY side;
