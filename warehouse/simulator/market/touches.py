"""The first touch of a level by a path: a binary search over minima of windows of doubling length."""

import numpy as np

from warehouse.simulator.market.prices import Floats, Ints


def _minima(values: Floats) -> list[Floats]:
    """Return a table of minima: ``table[k][i]`` is the smallest of ``values[i : i + 2**k]``."""
    table = [values]
    width = 1
    while 2 * width <= len(values):
        table.append(np.minimum(table[-1][:-width], table[-1][width:]))
        width *= 2
    return table


def first_at_or_below(values: Floats, start: Ints, level: Floats) -> Ints:
    """Return the index of the first value at or below each level, from ``start`` on; ``len(values)`` if none."""
    position = start.copy()
    for power, lowest in reversed(list(enumerate(_minima(values)))):
        fits = position < len(lowest)
        clear = fits & (lowest[np.where(fits, position, 0)] > level)
        position = position + np.where(clear, 1 << power, 0)
    return position
