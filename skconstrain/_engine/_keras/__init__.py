"""Every other backend: training by Keras' own loop."""

import warnings

import keras

from skconstrain._engine._backend import Backend
from skconstrain._engine._keras._program import KerasPredictionProgram, KerasProgram
from skconstrain._engine._wide_floats import wide_floats


def warn_of_slow_backend(backend: str) -> None:
    """Tell the user what trains, and how it would go faster."""
    warnings.warn(
        f"Keras' backend {backend!r} has no compiled program: networks train in Keras' own loop, "
        "with the same results but several times slower. Compiled programs there are for "
        "'tensorflow' and 'jax': set KERAS_BACKEND before the first import of keras.",
        stacklevel=2,
    )


BACKEND = Backend(
    program=KerasProgram,
    prediction_program=KerasPredictionProgram,
    precision=wide_floats,
    prepare=lambda: warn_of_slow_backend(keras.backend.backend()),
)
