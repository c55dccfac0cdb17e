-- The price bucket of a price; the same as `bucket` in transforms/model/price_grid.py.
CREATE MACRO ops.price_bucket(price) AS floor(ops.grid_position(ops.price(price)) + 1e-9)::INTEGER;
