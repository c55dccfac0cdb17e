SELECT hour_utc, coin, imbalance FROM mart.market_balance WHERE distance_bp = 500
