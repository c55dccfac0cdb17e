-- The price bucket of a price, as transforms/model/price_grid.py has it.
CREATE MACRO ops.price_bucket(price) AS floor(ops.grid_position(ops.price(price)) + 1e-9)::INTEGER;
