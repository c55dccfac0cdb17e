CREATE MACRO life_history(coin, life_id := NULL) AS TABLE FROM cluster_track(coin, track_id := life_id);
