"""Random streams that depend on what they are for, never on when or in which order they are drawn."""

from hashlib import blake2b

import numpy as np

DAY_MS = 86_400_000


def stream(seed: int, *subject: str | int) -> np.random.Generator:
    """An independent generator for one subject, e.g. ``stream(7, "entries", "okx", "BTC", 20_000)``."""
    name = "/".join(str(part) for part in (seed, *subject))
    key = np.frombuffer(blake2b(name.encode(), digest_size=16).digest(), dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def day_of(at_ms: int) -> int:
    """Days since 1970-01-01 UTC of an instant in milliseconds."""
    return at_ms // DAY_MS
