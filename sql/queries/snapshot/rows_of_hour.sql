SELECT * FROM {{table}} WHERE coin = $coin AND date = $date AND hour_utc = $hour;
