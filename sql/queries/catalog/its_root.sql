SELECT root FROM ops.catalog_root;
