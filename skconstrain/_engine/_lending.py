"""Compiled programs, built where there is none and lent from one cache."""

import warnings

import keras

from skconstrain._engine._backend import load_backend
from skconstrain._engine._batching import Batches, epochs_at_once
from skconstrain._engine._cache import CacheInfo, ProgramCache
from skconstrain._engine._chunks import predict_parts
from skconstrain._engine._program import ProgramSpec
from skconstrain._lazy_rows import LazyRows

BACKEND = load_backend(keras.backend.backend())
BACKEND.prepare()

_CACHE = ProgramCache(maxsize=64, release=BACKEND.release)


def precision():
    """Return a context in which networks compute in float64 where it is asked for."""
    _CACHE.check_process()
    return BACKEND.precision()


def trains_on_gpu() -> bool:
    """Whether programs train on a GPU."""
    return BACKEND.trains_on_gpu()


def warn_of_double_precision(dtype: str) -> None:
    """Warn where networks of this precision train on a GPU, which is slow at double precision."""
    if dtype == "float64" and trains_on_gpu():
        warnings.warn(
            "float64 trains slowly on a GPU. Use dtype='float32', or X of that precision.",
            stacklevel=2,
        )


def lend_program(
    key,
    build_model,
    *,
    n_rows,
    batch_size,
    epochs,
    kernel_size,
    n_networks=1,
    supports_xla=True,
    has_callbacks,
    is_whole=True,
):
    """Lend the training program for a model and shapes, compiling it first where there is none.

    Parameters
    ----------
    key : hashable
        Stands for everything that `build_model` builds.
    build_model : callable
        Returns a new compiled Keras model.
    n_rows, batch_size, epochs : int
        Size of the training to come.
    kernel_size : int
        How many numbers the kernels hold: the work of a row is six operations for each.
    n_networks : int, default=1
        How many networks the model is.
    supports_xla : bool, default=True
        Whether XLA may compile the epoch.
    has_callbacks : bool
        Whether callbacks will see the model: then its own variables are trained.
    is_whole : bool, default=True
        Whether the rows of an epoch are on the device at once, so that a call may run several.

    Returns
    -------
    context manager yielding Program
    """
    batches = Batches(n_rows, batch_size)
    flops, n_steps = 6 * kernel_size * batches.width, batches.n_steps * epochs
    pays = BACKEND.choose_jit(flops, n_steps, kernel_size, n_networks)
    several_epochs = is_whole and not has_callbacks
    size = batches.padded_steps, batches.width, kernel_size
    spec = ProgramSpec(
        width=batches.width,
        padded_rows=batches.padded_rows,
        padded_steps=batches.padded_steps,
        kernel_size=kernel_size,
        jit_compile=supports_xla and pays,
        has_callbacks=has_callbacks,
        epochs_at_once=epochs_at_once(*size) if several_epochs else 1,
    )

    def build():
        with precision():
            model = build_model()
            if spec.jit_compile:
                _prepare_for_xla(model)
            return BACKEND.program(model, spec)

    return _CACHE.lend((key, spec), build)


def _prepare_for_xla(model):
    for layer in model.layers:
        if hasattr(layer, "prepare_for_xla"):
            layer.prepare_for_xla()


def predict(key, build_model, weights, X):
    """Return the outputs of the model that `build_model` returns, for rows of its precision.

    `weights` are found by name; there may be more than the model has.
    """
    with precision():
        build = lambda: BACKEND.prediction_program(build_model())  # noqa: E731
        program = _CACHE.get(("predict", key), build)
        if isinstance(X, LazyRows):
            return predict_parts(program, weights, X)
        return program.predict(weights, X)


def compile_cache_info() -> CacheInfo:
    """Return how often compiled programs were reused.

    Returns
    -------
    CacheInfo
        A named tuple of `hits`, `misses` (compilations), `maxsize` and `currsize`.

    Examples
    --------
    >>> import skconstrain
    >>> skconstrain.compile_cache_info().maxsize
    64
    """
    return _CACHE.info()


def clear_compile_cache() -> None:
    """Forget all compiled programs and free their memory; networks then compile again.

    Examples
    --------
    >>> import skconstrain
    >>> skconstrain.clear_compile_cache()
    >>> skconstrain.compile_cache_info().currsize
    0
    """
    _CACHE.clear()
