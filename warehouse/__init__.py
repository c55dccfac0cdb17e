"""The imperative shell: the only package that uses disk, network, environment or clock."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

_MODEL = Path(__file__).parents[1] / "transforms" / "model"


def _set_numba_cache() -> None:
    """Set NUMBA_CACHE_DIR to a folder per version of the model, unless it is set.

    Numba looks up compiled code by the function's own file, even if a function that it calls has changed.
    """
    cache = _MODEL / "__pycache__"
    cache.mkdir(exist_ok=True)
    sources = sha256(b"".join(path.read_bytes() for path in sorted(_MODEL.rglob("*.py"))))
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache / f"compiled-{sources.hexdigest()[:16]}"))


if os.access(_MODEL, os.W_OK):
    _set_numba_cache()
