"""The model is compiled completely before its first use."""

from __future__ import annotations

from numba.core.dispatcher import Dispatcher

from transforms.estimation.compilation import compile_model
from transforms.model import estimator, step


def test_every_kernel_of_the_estimator_is_compiled() -> None:
    compile_model()
    called = {name: value for of in (estimator, step) for name, value in vars(of).items()}
    kernels = {name: kernel for name, kernel in called.items() if isinstance(kernel, Dispatcher)}
    assert {"commit", "entries", "expire_cohort", "open_positions", "pass_bars", "read", "value_usd"} <= kernels.keys()
    assert [name for name, kernel in kernels.items() if not kernel.signatures] == []
