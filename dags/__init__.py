"""WHEN: the schedules. Thin; everything that is done is done by `warehouse`."""
