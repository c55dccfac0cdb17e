"""Commands that query the warehouse: headline, map, heatmap, level, report, SQL, describe and export."""
