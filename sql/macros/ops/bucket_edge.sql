-- The lower edge of a price bucket, on the grid of transforms/model/price_grid.py; of bucket + 0.5, its middle.
CREATE MACRO ops.bucket_edge(bucket) AS exp(bucket * ln(1.001));
