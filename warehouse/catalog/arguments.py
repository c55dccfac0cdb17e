"""What the macros do with what they are given: a moment or a price is read, and what cannot be meant is refused.

Scalar macros of the schema `ops`, made before all others. A refusal names the thing and what to write instead.
"""

from __future__ import annotations

from expectations.columns.registry import EXCHANGES

# A moment that names no zone is UTC, whatever the client's own zone; a TIMESTAMPTZ prints with its offset.
_MOMENT = """
    CREATE MACRO ops.moment(x) AS CASE
        WHEN regexp_matches(x::VARCHAR, ':[0-9:.]* *[^0-9:. ]')
            THEN make_timestamp(epoch_us(x::VARCHAR::TIMESTAMPTZ))
        ELSE x::VARCHAR::TIMESTAMP
    END
"""
_IS_WITHIN = """
    CREATE MACRO ops.is_within(day, hour, first, last) AS
        (first IS NULL OR (day >= ops.moment(first)::DATE AND hour >= date_trunc('hour', ops.moment(first))))
        AND (last IS NULL OR (day <= ops.moment(last)::DATE AND hour <= ops.moment(last)))
"""
_REFUSE_UNLESS = """
    CREATE MACRO ops.refuse_unless(is_so, words) AS CASE WHEN is_so THEN true ELSE error(words)::BOOLEAN END
"""
_NO_MAP_WITHIN = """
    CREATE MACRO ops.no_map_within(coin, first, last) AS format(
        'no map of {} from {} to {}', coin, coalesce(first::VARCHAR, 'its first hour'),
        coalesce(last::VARCHAR, 'its last hour')
    )
"""
_OLDER_THAN = """
    CREATE MACRO ops.older_than(name, coin, hour) AS format(
        'no {} of {} at {}: its map is older than that table, or a file was lost; make it again with: '
        || 'liq backfill --rebuild --from {}Z --coins {}',
        name, coin, strftime(hour, '%Y-%m-%d %H:%M'), strftime(hour, '%Y-%m-%dT%H:%M'), coin
    )
"""
_PRICE = """
    CREATE MACRO ops.price(x) AS CASE
        WHEN try_cast(x AS DOUBLE) > 0 AND isfinite(try_cast(x AS DOUBLE)) THEN try_cast(x AS DOUBLE)
        ELSE error(coalesce(x::VARCHAR, 'NULL') || ' is not a price; write e.g. 95000')::DOUBLE
    END
"""
# The grid of transforms/model/price_grid.py; a price that is none is told before anything is read. What a computed edge
# is short of its bucket, some 1e-12 of a bucket, is made up for: a row's price_low lies in that row.
_PRICE_BUCKET = "CREATE MACRO ops.price_bucket(price) AS floor(ln(ops.price(price)) / ln(1.001) + 1e-9)::INTEGER"
_IS_REACHED = """
    CREATE MACRO ops.is_reached(coin, price, first_bucket, last_bucket) AS ops.refuse_unless(
        ops.price_bucket(price) BETWEEN first_bucket AND last_bucket,
        format(
            'the map of {} does not reach {}; it goes from {:.2f} to {:.2f}', coin, price, 1.001 ** first_bucket,
            1.001 ** (last_bucket + 1)
        )
    )
"""
_DISTANCE = """
    CREATE MACRO ops.distance(x) AS CASE
        WHEN try_cast(x AS DOUBLE) BETWEEN 0 AND 0.25 THEN try_cast(x AS DOUBLE)
        ELSE error(
            coalesce(x::VARCHAR, 'NULL') || ' is not a share of the price that the map reaches, 0 to 0.25; '
            || 'write e.g. 0.05 for 5 %'
        )::DOUBLE
    END
"""
_WHOLE = """
    CREATE MACRO ops.whole(x, name) AS CASE
        WHEN try_cast(x AS BIGINT) >= 1 AND try_cast(x AS BIGINT) = try_cast(x AS DOUBLE) THEN try_cast(x AS BIGINT)
        ELSE error(name || ' is ' || coalesce(x::VARCHAR, 'NULL') || '; write a whole number from 1 on')::BIGINT
    END
"""
_EXCHANGE = f"""
    CREATE MACRO ops.exchange(x) AS CASE
        WHEN x IS NULL OR x::VARCHAR IN {EXCHANGES} THEN x::VARCHAR
        ELSE error(format('no exchange {{}}; there are {", ".join(EXCHANGES)}', x::VARCHAR))::VARCHAR
    END
"""
STATEMENTS = (
    *(_MOMENT, _IS_WITHIN, _REFUSE_UNLESS, _NO_MAP_WITHIN, _OLDER_THAN),
    *(_PRICE, _PRICE_BUCKET, _IS_REACHED, _DISTANCE, _WHOLE, _EXCHANGE),
)
