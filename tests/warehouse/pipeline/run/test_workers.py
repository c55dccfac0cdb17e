"""Worker processes: the model is compiled once before they start."""

from __future__ import annotations

from pathlib import Path

import pytest

from warehouse.pipeline import workers
from warehouse.progress import Silent


class Stages(Silent):
    """A progress reporter that keeps the names of stages."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def stage(self, name: str, total: int, unit: str) -> None:
        self.names.append(name)


def test_model_is_compiled_once_for_all_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[int] = []
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "compiled"))
    monkeypatch.setattr(workers, "compile_model", lambda: compiled.append(1))
    progress = Stages()
    for _ in range(2):
        workers.compile_once(progress)
    assert (progress.names, compiled) == (["compile the model, once"], [1])


def test_interrupted_compilation_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed() -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "compiled"))
    monkeypatch.setattr(workers, "compile_model", killed)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            workers.compile_once(Silent())
