SELECT DISTINCT hour_utc FROM model.state_positions WHERE coin = $coin;
