"""Tests on every backend of Keras: gradients, precision, what belongs to one backend only."""

from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

import keras
import pytest

from skconstrain._engine import _lending
from skconstrain._engine._backend import XlaLimits

BACKEND = keras.backend.backend()

tensorflow_only = pytest.mark.skipif(
    BACKEND != "tensorflow", reason="what is tested is TensorFlow's own: its compilers, its tape"
)
jax_only = pytest.mark.skipif(BACKEND != "jax", reason="what is tested is the program under JAX")


@contextmanager
def compiled(by_xla):
    """Let XLA compile every training program inside, or none, whatever its size."""
    limits = XlaLimits() if by_xla else None
    with mock.patch.object(_lending, "BACKEND", replace(_lending.BACKEND, xla=limits)):
        yield


def output_and_gradients(function, *arrays, upstream=None):
    """Return ``function(*arrays)``, and the gradient of each array for that of the output."""
    return (_by_tape if BACKEND == "tensorflow" else _by_vjp)(function, arrays, upstream)


def _by_tape(function, arrays, upstream):
    import tensorflow as tf

    arrays = [tf.constant(array) for array in arrays]
    with tf.GradientTape() as tape:
        tape.watch(arrays)
        output = function(*arrays)
    gradients = tape.gradient(output, arrays, output_gradients=upstream)
    return output.numpy(), [gradient.numpy() for gradient in gradients]


def _by_vjp(function, arrays, upstream):
    import jax
    import numpy as np

    from skconstrain._engine import precision

    with precision():
        function(*map(jax.numpy.asarray, arrays))  # builds layers, outside the trace
        output, backward = jax.vjp(function, *map(jax.numpy.asarray, arrays))
        upstream = jax.numpy.ones_like(output) if upstream is None else upstream
        gradients = backward(jax.numpy.asarray(upstream, output.dtype))
        return np.asarray(output), [np.asarray(gradient) for gradient in gradients]


def settings():
    """Return settings of the backend that nothing may change."""
    if BACKEND == "tensorflow":
        from tensorflow.python.framework.config import is_op_determinism_enabled

        return is_op_determinism_enabled()
    import jax

    return dict(jax.config.values)


def seed_globally(seed):
    """Seed the backend's global generator, if it has one."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        tf.random.set_seed(seed)


def draw_globally():
    """Draw a number from the backend's global generator; 0 without one."""
    if BACKEND != "tensorflow":
        return 0.0
    import tensorflow as tf

    return float(tf.random.uniform(()))
