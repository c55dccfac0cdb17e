"""Asks exchanges, reads files and listens to streams; stores what was answered."""
