"""Imports of third-party files: a file's frame becomes rows of a series, or is refused at its first error."""
