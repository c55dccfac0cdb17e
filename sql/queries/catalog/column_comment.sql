COMMENT ON COLUMN {{table}}.{{column}} IS {{words}};
