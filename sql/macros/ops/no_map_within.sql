-- The error message for a range without a map.
CREATE MACRO ops.no_map_within(coin, first, last) AS format(
    'no map of {} from {} to {}', coin, coalesce(first::VARCHAR, 'its first hour'),
    coalesce(last::VARCHAR, 'its last hour')
);
