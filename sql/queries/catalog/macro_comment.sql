COMMENT ON MACRO TABLE {{name}} IS {{words}};
