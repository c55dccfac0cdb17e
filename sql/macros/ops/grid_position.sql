-- The position of a price on the grid: bucket b spans [b, b + 1).
CREATE MACRO ops.grid_position(price) AS ln(price) / ln(1.001);
