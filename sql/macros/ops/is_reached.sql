-- True if the map reaches a price; otherwise an error with the range that it covers.
CREATE MACRO ops.is_reached(coin, price, first_bucket, last_bucket) AS ops.refuse_unless(
    ops.price_bucket(price) BETWEEN first_bucket AND last_bucket,
    format(
        'the map of {} does not reach {}; it covers {:.2f} to {:.2f}', coin, price, ops.bucket_edge(first_bucket),
        ops.bucket_edge(last_bucket + 1)
    )
);
