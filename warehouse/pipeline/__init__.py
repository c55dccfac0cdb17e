"""The engine: a partition is a function of declared partitions, built whole where it is stale, checked, published."""
