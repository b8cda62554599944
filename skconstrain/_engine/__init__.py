"""The training engine: compiled programs, and the cache that lends them.

Its folders for backends, and the two sparse products, alone know TensorFlow or JAX. It knows
nothing of scikit-learn or scikeras.
"""

from skconstrain._engine._batching import Batches
from skconstrain._engine._cache import freeze
from skconstrain._engine._chunks import plan_chunks
from skconstrain._engine._lending import (
    MAX_STACKED_SIZE,
    clear_compile_cache,
    compile_cache_info,
    is_stackable,
    lend_program,
    lend_stacked_program,
    lone_fits,
    precision,
    predict,
    warn_of_double_precision,
)
from skconstrain._engine._run import ConvertedWatcher, TrainingResult, TrainingRun
from skconstrain._engine._stacked_program import NotStackableError
from skconstrain._engine._stacked_train import train_stack
from skconstrain._engine._stopping import Stopping
from skconstrain._engine._train import DivergenceError, train

__all__ = [
    "MAX_STACKED_SIZE",
    "Batches",
    "ConvertedWatcher",
    "DivergenceError",
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
