"""The build engine: each partition is a function of its declared inputs; stale ones are rebuilt, checked, published."""
