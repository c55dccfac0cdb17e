FROM core.price_bars WHERE coin = $coin AND open_utc >= $first AND open_utc < $last;
