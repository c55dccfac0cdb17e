"""Files of a third party."""
