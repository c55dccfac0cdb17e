SELECT max(hour_utc) AS last FROM ops.watermark;
