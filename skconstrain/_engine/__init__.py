"""The training engine: compiled programs, and the cache that lends them.

Its folders for backends, and the two sparse products, alone know TensorFlow or JAX. It knows
nothing of scikit-learn or scikeras.
"""

from skconstrain._engine._cache import freeze
from skconstrain._engine._lending import (
    clear_compile_cache,
    compile_cache_info,
    lend_program,
    precision,
    predict,
    trains_on_gpu,
)
from skconstrain._engine._parameters import named_variables
from skconstrain._engine._program import measures_of_arrays
from skconstrain._engine._run import ConvertedWatcher, TrainingResult, TrainingRun
from skconstrain._engine._train import DivergenceError, train

__all__ = [
    "ConvertedWatcher",
    "DivergenceError",
    "TrainingResult",
    "TrainingRun",
    "clear_compile_cache",
    "compile_cache_info",
    "freeze",
    "lend_program",
    "measures_of_arrays",
    "named_variables",
    "precision",
    "predict",
    "train",
    "trains_on_gpu",
]
