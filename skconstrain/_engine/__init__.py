"""The training engine: compiled programs, and the cache that lends them.

The only folder that knows TensorFlow or JAX. It knows nothing of scikit-learn or scikeras.
"""

import importlib
import warnings
from contextlib import contextmanager
from contextvars import ContextVar

import keras

from skconstrain._engine._batching import Batches, padded
from skconstrain._engine._cache import CacheInfo, ProgramCache, freeze
from skconstrain._engine._chunks import plan_chunks, predict_parts
from skconstrain._engine._run import TrainingResult, TrainingRun
from skconstrain._engine._size import is_elementwise
from skconstrain._engine._stacked_train import NotStackableError, n_validation_rows, train_stack
from skconstrain._engine._stopping import Stopping
from skconstrain._engine._train import train
from skconstrain._lazy_rows import LazyRows

__all__ = [
    "MAX_STACKED_SIZE",
    "Batches",
    "CacheInfo",
    "NotStackableError",
    "Stopping",
    "TrainingResult",
    "TrainingRun",
    "clear_compile_cache",
    "compile_cache_info",
    "freeze",
    "is_stackable",
    "lend_program",
    "lend_stacked_program",
    "lone_fits",
    "plan_chunks",
    "precision",
    "predict",
    "train",
    "train_stack",
    "warn_of_double_precision",
]

# Modules of the same names for each backend; nothing of another backend is imported.
_PROGRAMS = {
    "tensorflow": ("_tensorflow._program", "_tensorflow._stacked_program"),
    "jax": ("_jax._program", "_jax._stacked_program"),
}
_backend, _stacks = (
    name and importlib.import_module(f"{__name__}.{name}")
    for name in _PROGRAMS.get(keras.backend.backend(), ("_keras._program", None))
)
precision = _backend.precision
MAX_STACKED_SIZE = 0 if _stacks is None else _stacks.MAX_STACKED_SIZE
share_gpu_memory, trains_on_gpu = _backend.share_gpu_memory, _backend.trains_on_gpu

_CACHE = ProgramCache(maxsize=64)
_LONE = ContextVar("whether a fit is the only one of its kind", default=False)
share_gpu_memory()
if keras.backend.backend() not in _PROGRAMS:
    _backend.warn_of_slow_backend(keras.backend.backend())


def warn_of_double_precision(dtype: str) -> None:
    """Warn where networks of this precision train on a GPU, which is slow at double precision."""
    if dtype == "float64" and trains_on_gpu():
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
    key, build_model, *, n_rows, batch_size, epochs, kernel_size, jit_compile, has_callbacks
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
    jit_compile : "auto" or bool
        Whether XLA compiles the epoch.
    has_callbacks : bool
        Whether callbacks will see the model: then its own variables are trained.

    Returns
    -------
    context manager yielding TrainingProgram
    """
    batches = Batches(n_rows, batch_size)
    jit = jit_compile
    if jit == "auto":
        n_steps = batches.n_steps * epochs // (6 if _LONE.get() else 1)
        jit = _backend.choose_jit(6 * kernel_size * batches.width, n_steps, kernel_size)
    shapes = {name: getattr(batches, name) for name in ("width", "padded_rows", "padded_steps")}

    def build():
        with precision():
            model = build_model()
            if jit:
                _prepare_for_xla(model)
            small = kernel_size <= _backend.MAX_FLAT_SIZE and not has_callbacks
            flat = small and is_elementwise(model.optimizer)
            return _backend.TrainingProgram(model, **shapes, jit_compile=jit, flat=flat)

    return _CACHE.lend((key, *shapes.values(), jit, has_callbacks), build)


def lend_stacked_program(key, build_model, runs, *, kernel_size, jit_compile):
    """Lend the program that trains the networks of all `runs` at once.

    `runs` are trainings of equal networks and padded shapes; the other parameters are those of
    :func:`lend_program`. The program has room for some more models, so that stacks of similar size
    share one.
    """
    batches, n_models = Batches(len(runs[0].X), runs[0].batch_size), padded(len(runs))
    jit = jit_compile
    if jit == "auto":
        # A step of many models is work for many: XLA pays sooner.
        n_steps = batches.n_steps * runs[0].epochs * max(1, n_models // 8)
        jit = _backend.choose_jit(6 * kernel_size * batches.width, n_steps, kernel_size)
    shapes = {name: getattr(batches, name) for name in ("width", "padded_rows", "padded_steps")}
    shapes |= {"n_models": n_models, "n_validation": n_validation_rows(runs)}

    def build():
        with precision():
            model = build_model()
            if jit:
                _prepare_for_xla(model)
            return _stacks.StackedProgram(model, **shapes, jit_compile=jit)

    return _CACHE.lend(("stack", key, *shapes.values(), jit), build)


def is_stackable(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether the backend trains networks with `optimizer` as one stack."""
    return _stacks is not None and _stacks.is_stackable(optimizer)


def _prepare_for_xla(model):
    for layer in model.layers:
        getattr(layer, "prepare_for_xla", _nothing)()


def _nothing():
    """Prepare a layer that XLA compiles as it is."""


def predict(key, build_model, weights, X):
    """Return the model's outputs, a row each, for rows of its precision.

    `build_model` returns the model, and the places of its weights among `weights` or None.
    """
    with precision():
        build = lambda: _backend.PredictionProgram(*build_model())  # noqa: E731
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
    """Forget all compiled programs; the next fit of each network compiles again.

    Examples
    --------
    >>> import skconstrain
    >>> skconstrain.clear_compile_cache()
    >>> skconstrain.compile_cache_info().currsize
    0
    """
    _CACHE.clear()
