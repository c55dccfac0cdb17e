"""Random streams that depend on their subject only, never on the time or the order of drawing."""

from hashlib import blake2b

import numpy as np

DAY_MS = 86_400_000


def stream(seed: int, *subject: str | int) -> np.random.Generator:
    """Return an independent generator for one subject, e.g. ``stream(7, "entries", "okx", "BTC", 20_000)``."""
    name = "/".join(str(part) for part in (seed, *subject))
    key = np.frombuffer(blake2b(name.encode(), digest_size=16).digest(), dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def day_of(at_ms: int) -> int:
    """Return the days from 1970-01-01 UTC to an instant in milliseconds."""
    return at_ms // DAY_MS
