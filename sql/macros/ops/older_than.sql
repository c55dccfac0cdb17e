-- The error message for an hour that a table lacks, with the command that rebuilds it.
CREATE MACRO ops.older_than(name, coin, hour) AS format(
    'no {} of {} at {}: the table lacks this hour of the map, or its file is missing; rebuild it with: '
    || 'liq backfill --rebuild --from {}Z --coins {}',
    name, coin, strftime(hour, '%Y-%m-%d %H:%M'), strftime(hour, '%Y-%m-%dT%H:%M'), coin
);
