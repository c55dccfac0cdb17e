-- The price bucket of a price, on the grid of transforms/model/price_grid.py. A computed edge can fall
-- about 1e-12 of a bucket short; the added 1e-9 corrects that, so that a row's price_low lies in the row's bucket.
CREATE MACRO ops.price_bucket(price) AS floor(ops.grid_position(ops.price(price)) + 1e-9)::INTEGER;
