"""Compiled programs, built where there is none and lent from one cache."""

import keras

from skconstrain._engine._backend import load_backend
from skconstrain._engine._batching import epochs_at_once
from skconstrain._engine._cache import CacheInfo, ProgramCache
from skconstrain._engine._chunks import plan_chunks, predict_parts
from skconstrain._engine._program import ProgramSpec
from skconstrain._engine._run import TrainingRun
from skconstrain._lazy_rows import LazyRows
from skconstrain._warn import warn

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


def lend_program(key, build_model, network, run: TrainingRun):
    """Lend the program for a training, compiling it first where there is none.

    Parameters
    ----------
    key : hashable
        Stands for everything that `build_model` builds.
    build_model : callable
        Returns a new compiled Keras model.
    network : Network
        What the model is: its `dtype`, `kernel_size`, `n_networks` and `supports_xla` count.
    run : TrainingRun
        The training to come.

    Returns
    -------
    context manager yielding Program
    """
    if network.dtype == "float64" and trains_on_gpu():
        warn("float64 trains slowly on a GPU. Use dtype='float32', or X of that precision.")
    plan, n_weights = plan_chunks(run.X, run.batch_size), network.kernel_size
    batches = plan.batches
    # The work of a row is six operations for each number in the kernels.
    work = 6 * n_weights * batches.width, batches.n_steps * run.epochs * plan.n_chunks
    pays = BACKEND.choose_jit(*work, n_weights, network.n_networks)
    # Rows that come in chunks, and callbacks, have one epoch a call.
    calls_epochs = plan.n_chunks == 1 and not run.callbacks
    spec = ProgramSpec(
        width=batches.width,
        padded_rows=batches.padded_rows,
        padded_steps=batches.padded_steps,
        kernel_size=n_weights,
        jit_compile=network.supports_xla and pays,
        has_callbacks=bool(run.callbacks),
        epochs_at_once=epochs_at_once(batches, n_weights) if calls_epochs else 1,
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
