"""Compiled programs, built where there is none and lent from one cache."""

import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

import keras

from skconstrain._engine._backend import load_backend
from skconstrain._engine._batching import Batches, epochs_at_once, padded
from skconstrain._engine._cache import CacheInfo, ProgramCache, text_of
from skconstrain._engine._chunks import predict_parts
from skconstrain._engine._optimizers import constant_learning_rate
from skconstrain._engine._program import ProgramSpec
from skconstrain._engine._stacked_program import StackSpec
from skconstrain._engine._stacked_train import n_validation_rows
from skconstrain._lazy_rows import LazyRows

BACKEND = load_backend(keras.backend.backend())
BACKEND.prepare()
MAX_STACKED_SIZE = BACKEND.stacked_program.max_kernel_size if BACKEND.stacked_program else 0

_CACHE = ProgramCache(maxsize=64, release=BACKEND.release)
_LONE = ContextVar("whether a fit is the only one of its kind", default=False)


def precision():
    """Return a context in which networks compute in float64 where it is asked for."""
    _CACHE.check_process()
    return BACKEND.precision()


def warn_of_double_precision(dtype: str) -> None:
    """Warn where networks of this precision train on a GPU, which is slow at double precision."""
    if dtype == "float64" and BACKEND.trains_on_gpu():
        warnings.warn(
            "float64 trains slowly on a GPU. Use dtype='float32', or X of that precision.",
            stacklevel=2,
        )


@contextmanager
def lone_fits():
    """Let fits inside, in this thread, be taken for the only ones of their kind.

    XLA must then save in one fit what it takes to compile: from six times as many steps on.
    """
    token = _LONE.set(True)
    try:
        yield
    finally:
        _LONE.reset(token)


def lend_program(
    key,
    build_model,
    *,
    n_rows,
    batch_size,
    epochs,
    kernel_size,
    n_networks=1,
    jit_compile,
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
    jit_compile : "auto" or bool
        Whether XLA compiles the epoch.
    has_callbacks : bool
        Whether callbacks will see the model: then its own variables are trained.
    is_whole : bool, default=True
        Whether the rows of an epoch are on the device at once, so that a call may run several.

    Returns
    -------
    context manager yielding Program
    """
    batches = Batches(n_rows, batch_size)
    n_steps = batches.n_steps * epochs // (6 if _LONE.get() else 1)
    settings = _settings(batches, n_steps, kernel_size, jit_compile, n_networks)
    if is_whole and not has_callbacks:
        size = batches.padded_steps, batches.width, kernel_size
        settings["epochs_at_once"] = epochs_at_once(*size)
    spec = ProgramSpec(**settings, has_callbacks=has_callbacks)
    return _lend(BACKEND.program, key, build_model, spec)


def lend_stacked_program(key, build_model, runs, *, kernel_size, jit_compile):
    """Lend the program that trains the networks of all `runs` at once.

    `runs` are trainings of equal networks and padded shapes; the other parameters are those of
    :func:`lend_program`. The program has space for some more models, so that stacks of similar size
    share one.
    """
    batches, n_models = Batches(len(runs[0].X), runs[0].batch_size), padded(len(runs))
    # XLA compiles a stack .7 s longer than TensorFlow does. Of each step it saves .6 ms, 12 us for
    # each model, and 15 us for a million operations. In steps, the least number of which is .7 s:
    millions = 6e-6 * kernel_size * batches.width * n_models
    n_steps = int(batches.n_steps * runs[0].epochs * (50 + n_models + 1.25 * millions) / 116)
    settings = _settings(batches, n_steps, kernel_size, jit_compile)
    spec = StackSpec(**settings, n_models=n_models, n_validation=n_validation_rows(runs))
    return _lend(BACKEND.stacked_program, key, build_model, spec)


def _settings(batches, n_steps, kernel_size, jit_compile, n_networks=1):
    if jit_compile == "auto":
        flops = 6 * kernel_size * batches.width
        jit_compile = BACKEND.choose_jit(flops, n_steps, kernel_size, n_networks)
    shapes = {name: getattr(batches, name) for name in ("width", "padded_rows", "padded_steps")}
    return {**shapes, "kernel_size": kernel_size, "jit_compile": jit_compile}


def _lend(program, key, build_model, spec):
    def build():
        with precision():
            model = build_model()
            if spec.jit_compile:
                _prepare_for_xla(model)
            return program(model, replace(spec, name=text_of((program, key, spec))))

    return _CACHE.lend((key, spec), build)


def is_stackable(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether the backend trains networks with `optimizer` as one stack."""
    program = BACKEND.stacked_program
    # A schedule would count the steps of all models.
    constant = constant_learning_rate(optimizer) is not None
    return program is not None and constant and program.is_stackable(optimizer)


def _prepare_for_xla(model):
    for layer in model.layers:
        if hasattr(layer, "prepare_for_xla"):
            layer.prepare_for_xla()


def predict(key, build_model, weights, X):
    """Return the model's outputs, a row each, for rows of its precision.

    `build_model` returns the model, and the positions of its weights among `weights` or None.
    """
    with precision():
        build = lambda: BACKEND.prediction_program(*build_model())  # noqa: E731
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
