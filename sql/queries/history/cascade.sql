FROM ops.cascade_of($coin, $hour) ORDER BY side;
