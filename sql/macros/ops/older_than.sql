-- The words of the error for an hour whose table is missing, with the command that builds it.
CREATE MACRO ops.older_than(name, coin, hour) AS format(
    'no {} of {} at {}: its map is older than that table, or a file was lost; make it again with: '
    || 'liq backfill --rebuild --from {}Z --coins {}',
    name, coin, strftime(hour, '%Y-%m-%d %H:%M'), strftime(hour, '%Y-%m-%dT%H:%M'), coin
);
