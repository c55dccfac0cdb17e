FROM core.instruments WHERE coin = $coin;
