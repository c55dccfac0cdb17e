-- The folder that the views read, recorded to detect a catalog that was copied elsewhere.
CREATE VIEW ops.catalog_root AS SELECT {{root}} AS root;
COMMENT ON VIEW ops.catalog_root IS 'log: the folder that the views read';
