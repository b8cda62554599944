"""Let Keras compute in float64 where a backend other than TensorFlow can."""

from contextlib import contextmanager
from contextvars import ContextVar

from keras.src.backend.common import dtypes

_INSIDE = ContextVar("whether float64 stays float64", default=False)


class _Narrowed(dict):
    """Keras' table of what becomes of 64-bit types, in which float64 stays what it is, inside."""

    def get(self, dtype, default=None):
        return default if dtype == "float64" and _INSIDE.get() else super().get(dtype, default)


# Keras gives float32 for float64 in ops.mean, ops.tanh and others under every backend but
# TensorFlow, because JAX does so by default. It has no switch; outside, nothing is changed.
dtypes.BIT64_TO_BIT32_DTYPE = _Narrowed(dtypes.BIT64_TO_BIT32_DTYPE)


@contextmanager
def wide_floats():
    """Let Keras' operations keep float64, in this thread only."""
    token = _INSIDE.set(True)
    try:
        yield
    finally:
        _INSIDE.reset(token)
