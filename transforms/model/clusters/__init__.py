"""What follows from a map: clusters, their tracks, market impact and cascades."""
