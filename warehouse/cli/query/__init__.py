"""Commands that query: the map, its history, SQL, export and charts."""
