"""Clusters of a map, their tracks, market impact and cascades."""
