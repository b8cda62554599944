"""JAX: everything is compiled."""

from contextlib import contextmanager

import jax

from skconstrain._engine._backend import Backend, XlaLimits
from skconstrain._engine._jax._program import JaxPredictionProgram, JaxProgram
from skconstrain._engine._wide_floats import wide_floats


@contextmanager
def precision():
    """Let float64 be float64 inside, in this thread only; JAX's global setting is not touched."""
    with jax.enable_x64(True), wide_floats():
        yield


BACKEND = Backend(
    program=JaxProgram,
    prediction_program=JaxPredictionProgram,
    xla=XlaLimits(),  # JAX has no other compiler
    precision=precision,
    trains_on_gpu=lambda: jax.default_backend() == "gpu",
)
