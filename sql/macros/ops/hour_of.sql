-- The hour of a time, named by its end. The end belongs to the hour, the start to the hour before.
CREATE MACRO ops.hour_of(moment) AS date_trunc('hour', moment - INTERVAL 1 MILLISECOND) + INTERVAL 1 HOUR;
