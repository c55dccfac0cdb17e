FROM core.open_interest WHERE coin = $coin AND time_utc >= $first AND time_utc <= $last;
