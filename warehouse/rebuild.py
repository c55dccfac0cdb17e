"""From which hour on a coin's map has to be made again: kept on disk, since whoever found it may not live to do it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from warehouse.errors import UserError
from warehouse.store import replace_durably

_FILE = ".rebuild.json"


def pending(root: Path) -> dict[str, datetime]:
    """By coin, the first hour whose input is newer than its map. Raises UserError for a damaged note."""
    path = root / _FILE
    if not path.is_file():
        return {}
    try:
        return {str(coin): datetime.fromisoformat(hour) for coin, hour in json.loads(path.read_text()).items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise UserError(f"{path} is damaged; delete it and run liq backfill --rebuild for the range again") from error


def note(root: Path, found: Mapping[str, datetime]) -> None:
    """Adds what was found; of two hours for one coin the earlier counts."""
    known = pending(root)
    _write(root, known | {coin: min(hour, known.get(coin, hour)) for coin, hour in found.items()})


def remember(covered: Mapping[str, datetime], home: Path) -> None:
    """Keeps in a stage's folder what its map takes account of: more may be found before it is published."""
    home.mkdir(parents=True, exist_ok=True)
    _write(home, covered)


def done(root: Path, covered: Mapping[str, datetime]) -> None:
    """Forgets what was made again, but not what was found meanwhile."""
    known = pending(root)
    left = {coin: hour for coin, hour in known.items() if covered.get(coin) != hour}
    if left != known:
        _write(root, left)


def _write(root: Path, hours: Mapping[str, datetime]) -> None:
    path = root / _FILE
    if not hours:
        path.unlink(missing_ok=True)
        return
    hidden = path.with_suffix(".tmp")
    hidden.write_text(json.dumps({coin: hours[coin].isoformat() for coin in sorted(hours)}) + "\n")
    replace_durably(hidden, path)
