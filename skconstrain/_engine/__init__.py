"""The training engine: compiled programs, and the cache that lends them.

The only folder that knows TensorFlow or JAX. It knows nothing of scikit-learn or scikeras.
"""

import importlib

import keras

from skconstrain._engine._batching import Batches
from skconstrain._engine._cache import CacheInfo, ProgramCache, freeze
from skconstrain._engine._size import is_elementwise
from skconstrain._engine._stopping import Stopping
from skconstrain._engine._train import TrainingResult, TrainingRun, train

__all__ = [
    "CacheInfo",
    "Stopping",
    "TrainingResult",
    "TrainingRun",
    "clear_compile_cache",
    "compile_cache_info",
    "freeze",
    "lend_program",
    "precision",
    "predict",
    "train",
]

# One module a backend, with the same names; nothing of another backend is imported.
_PROGRAMS = {
    "tensorflow": "skconstrain._engine._program",
    "jax": "skconstrain._engine._jax_program",
}
_backend = importlib.import_module(_PROGRAMS[keras.backend.backend()])
precision = _backend.precision

_CACHE = ProgramCache(maxsize=64)


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
        jit = _backend.choose_jit(
            6 * kernel_size * batches.width, batches.n_steps * epochs, kernel_size
        )
    shapes = {name: getattr(batches, name) for name in ("width", "padded_rows", "padded_steps")}

    def build():
        with precision():
            model = build_model()
            if jit:
                for layer in model.layers:
                    getattr(layer, "prepare_for_xla", _nothing)()
            small = kernel_size <= _backend.MAX_FLAT_SIZE and not has_callbacks
            flat = small and is_elementwise(model.optimizer)
            return _backend.TrainingProgram(model, **shapes, jit_compile=jit, flat=flat)

    return _CACHE.lend((key, *shapes.values(), jit, has_callbacks), build)


def _nothing():
    """Prepare a layer that XLA compiles as it is."""


def predict(key, build_model, weights, X):
    """Return the model's outputs, a row each, for rows of its precision.

    `build_model` returns the model, and the places of its weights among `weights` or None.
    """
    with precision():
        build = lambda: _backend.PredictionProgram(*build_model())  # noqa: E731
        return _CACHE.get(("predict", key), build).predict(weights, X)


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
