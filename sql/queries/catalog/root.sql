-- The folder that the views read: a catalog that was copied elsewhere is found out by it.
CREATE VIEW ops.catalog_root AS SELECT {{root}} AS root;
COMMENT ON VIEW ops.catalog_root IS 'log: the folder that the views read';
