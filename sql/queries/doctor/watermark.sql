SELECT hour_utc, source FROM ops.watermark;
