FROM core.margin_tiers WHERE coin = $coin;
