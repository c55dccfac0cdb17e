"""The schedules. Thin: all work is done by `warehouse`."""
