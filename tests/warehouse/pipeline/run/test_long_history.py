"""The cost of an hour does not grow with history: no file older than the windows of the last eight days is read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from expectations.tables import load
from tests.warehouse.pipeline.long_history import MONTH, lengthen, seal, spoil
from tests.warehouse.trial import A, Trial
from transforms.hourly.hours import HOUR
from warehouse.storage import files
from warehouse.storage.store import Store

LENGTH = 60
pytestmark = pytest.mark.slow


@pytest.fixture
def long(one_hour: Trial, tmp_path: Path) -> Trial:
    """Return `one_hour` with a long history that is unreadable except for the last days."""
    made = one_hour.copied(tmp_path / "warehouse")
    lengthen(Store(made.root), A.date(), LENGTH)
    seal(Store(made.root), A.date(), 8)
    spoilt = list(spoil(Store(made.root), A.date()))
    assert {"raw.payloads", "core.price_bars", "mart.liquidation_levels", "ops.gaps"} <= set(spoilt)
    assert len(spoilt) > 5 * LENGTH
    return made


def test_next_hour_reads_no_unrelated_file(long: Trial) -> None:
    summary = long.run(A + HOUR)
    assert (summary.status, summary.quarantined) == ("published", [])
    assert long.rows_of("position_ledger", A)["hour_utc"].max() == A + HOUR


def test_number_of_files_read_does_not_grow_with_history(
    one_hour: Trial, long: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    month = one_hour.copied(tmp_path / "month")
    lengthen(Store(month.root), A.date(), MONTH)
    seal(Store(month.root), A.date(), 8)
    paths = [opened(made, monkeypatch) for made in (month, long)]
    # ops.partitions has a file per table, read if the hour changes that table, so the number of tables is the bound
    provenance = [[path for path in each if "partitions" in path.parts] for each in paths]
    assert all(max(Counter(each).values()) <= 2 and len(set(each)) <= len(load()) for each in provenance)
    counts = [len(each) - len(of) for each, of in zip(paths, provenance, strict=True)]
    assert counts[1] <= counts[0] + 1  # the oldest map marks the start of the history


def opened(made: Trial, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Run the hour after `A` and return the published files that it opens."""
    paths: list[Path] = []
    whole, footer = Path.read_bytes, files.read_footer
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda path: (paths.append(path), whole(path))[1])
        patch.setattr(files, "read_footer", lambda path: (paths.append(path), footer(path))[1])
        made.run(A + HOUR)
    return [path for path in paths if ".staging" not in path.parts]
