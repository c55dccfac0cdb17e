FROM heatmap($coin, $hour, hours := $hours, step := $step, buckets := $buckets);
