"""The shell: the only code that touches disk, network, environment or clock."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

_MODEL = Path(__file__).parents[1] / "transforms" / "model"


def _keep_compiled_code_by_version() -> None:
    """What numba has compiled is found again by its own file, whatever has changed in those that it calls.

    So every version of the model has a folder of its own, unless somebody has said where to keep it.
    """
    kept = _MODEL / "__pycache__"
    kept.mkdir(exist_ok=True)
    sources = sha256(b"".join(path.read_bytes() for path in sorted(_MODEL.rglob("*.py"))))
    os.environ.setdefault("NUMBA_CACHE_DIR", str(kept / f"compiled-{sources.hexdigest()[:16]}"))


if os.access(_MODEL, os.W_OK):
    _keep_compiled_code_by_version()
