-- The price bucket of a price, on the grid of transforms/model/price_grid.py. A computed edge falls short of its bucket
-- by some 1e-12 of a bucket; the added 1e-9 makes up for it, so that a row's price_low lies in that row.
CREATE MACRO ops.price_bucket(price) AS floor(ln(ops.price(price)) / ln(1.001) + 1e-9)::INTEGER;
