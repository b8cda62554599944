"""What the engine asks of a backend of Keras, and the table of backends."""

import importlib
import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from skconstrain._engine._program import PredictionProgram, Program

# The folder of each backend of Keras that has compiled programs. `_keras` serves all others.
_FOLDERS = {"tensorflow": "_tensorflow", "jax": "_jax"}


@dataclass(frozen=True)
class XlaLimits:
    """The trainings for which XLA compiles the program.

    Several networks as one model have a limit of their own, on the work of a step alone.
    """

    max_flops_per_step: float = math.inf
    max_kernel_size: float = math.inf
    min_steps: int = 0
    max_flops_of_several: float = math.inf


@dataclass(frozen=True)
class Backend:
    """What one backend of Keras gives the engine.

    A new backend is a folder with such an object named ``BACKEND``, and a row in `_FOLDERS`.

    Attributes
    ----------
    program, prediction_program
        Classes of the programs that train and predict.
    xla
        Which trainings XLA compiles; None for none.
    precision
        Returns a context in which Keras computes in float64 where float64 is asked for, and the
        backend prints nothing about it.
    trains_on_gpu
        Whether networks train on a GPU here.
    prepare
        Called once, when the engine is imported.
    release
        Called after programs have been dropped: gives back what the backend still holds of them.
    """

    program: type[Program]
    prediction_program: type[PredictionProgram]
    xla: XlaLimits | None = None
    precision: Callable[[], AbstractContextManager] = nullcontext
    trains_on_gpu: Callable[[], bool] = lambda: False
    prepare: Callable[[], None] = lambda: None
    release: Callable[[], None] = lambda: None

    def choose_jit(
        self, flops_per_step: float, n_steps: int, kernel_size: int, n_networks: int = 1
    ) -> bool:
        """Whether XLA compiles a program that will run `n_steps` steps of so much work."""
        if self.xla is None or n_steps < self.xla.min_steps:
            return False
        if n_networks > 1:
            return flops_per_step <= self.xla.max_flops_of_several
        return (
            flops_per_step <= self.xla.max_flops_per_step
            and kernel_size <= self.xla.max_kernel_size
        )


def load_backend(name: str) -> Backend:
    """Import the folder of a backend of Keras, and nothing of another one."""
    folder = _FOLDERS.get(name, "_keras")
    return importlib.import_module(f"skconstrain._engine.{folder}").BACKEND
