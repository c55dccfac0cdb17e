FROM level_history($coin, $price, since := $since) WHERE hour_utc <= $hour ORDER BY hour_utc;
